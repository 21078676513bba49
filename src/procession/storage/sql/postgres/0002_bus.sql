-- What the bus needs, beside what a node of the version before goes on using.
--
-- The types and `commit_batch` of 0001 stay as they are, and commit a batch without anything of this; `commit_batch_2` takes the rest.

-- `number` is the order in which records are published: ids come from the clocks of several nodes. It is drawn while the instance is
-- locked, so that of one instance it is the order of its history; and never again, so that nobody takes a record for one that was
-- published before. What is there already has no number, so that no row is written anew: its id stands for it, and numbers begin after
-- the ids. Nodes of the version before look for the oldest record by its id.
CREATE SEQUENCE outbox_number_seq;
ALTER TABLE outbox ADD COLUMN number bigint;
ALTER TABLE outbox ALTER COLUMN number SET DEFAULT nextval('outbox_number_seq');
ALTER SEQUENCE outbox_number_seq OWNED BY outbox.number;
SELECT setval('outbox_number_seq', coalesce((SELECT max(id) FROM outbox), 1));

CREATE UNIQUE INDEX outbox_number ON outbox (coalesce(number, id));

-- `node`: only for who waits there. `record`: of the record with which an answer of an integration came; it does not just expire.
ALTER TABLE message ADD COLUMN node text COLLATE "C";
ALTER TABLE message ADD COLUMN record bytea;

CREATE INDEX message_answer ON message (expires, id) WHERE record IS NOT NULL;

CREATE TYPE message_row_2 AS (
    id bigint, name text, key text, variables bytea, message_id text, published bigint, expires bigint, correlated bytea, node text,
    record bytea);

-- How far a group has taken in the records of a partition. Few rows that every batch of records changes: they stay on their page.
CREATE TABLE position (
    "group"    text COLLATE "C" NOT NULL,
    topic      text COLLATE "C" NOT NULL,
    partition  bigint NOT NULL,
    next       bigint NOT NULL,
    PRIMARY KEY ("group", topic, partition)
) WITH (fillfactor = 25, autovacuum_vacuum_scale_factor = 0.02);

CREATE TYPE position_row AS ("group" text, topic text, partition bigint, next bigint);
CREATE TYPE advanced_row AS (position position_row, read bigint);

-- The records that could not be handled.
CREATE TABLE letter (
    id         bigint PRIMARY KEY,
    topic      text COLLATE "C" NOT NULL,
    partition  bigint NOT NULL,
    "offset"   bigint NOT NULL,
    key        text COLLATE "C",
    headers    bytea NOT NULL,
    value      bytea NOT NULL,
    published  bigint NOT NULL,
    at         bigint NOT NULL,
    attempts   bigint NOT NULL,
    due        bigint,
    state      text COLLATE "C" NOT NULL,
    instance   bigint,
    title      text COLLATE "C" NOT NULL,
    detail     text COLLATE "C" NOT NULL,
    closed     bigint,
    closed_by  text COLLATE "C"
);

CREATE INDEX letter_state ON letter (state, id);
CREATE INDEX letter_due ON letter (due, id) WHERE state = 'waiting' AND due IS NOT NULL;
CREATE INDEX letter_instance ON letter (instance, id) WHERE instance IS NOT NULL;

CREATE TYPE letter_row AS (
    id bigint, topic text, partition bigint, "offset" bigint, key text, headers bytea, value bytea, published bigint, at bigint,
    attempts bigint, due bigint, state text, instance bigint, title text, detail text, closed bigint, closed_by text);

-- Who has a role that one node at a time has, and until when.
CREATE TABLE role (
    name    text COLLATE "C" PRIMARY KEY,
    holder  text COLLATE "C" NOT NULL,
    until   bigint NOT NULL
) WITH (fillfactor = 25, autovacuum_vacuum_scale_factor = 0.02);


-- A batch with messages, or with something of the bus: see `commit_batch`. PC001 also: a group is not where it was read.
CREATE FUNCTION commit_batch_2(
    definitions_seen bigint,
    added instance_row[],
    changed changed_row[],
    fences fence_row[],
    tokens_gone part_row[],
    variables_gone name_row[],
    scopes_gone part_row[],
    loops_gone part_row[],
    kept_gone key_row[],
    jobs_gone key_row[],
    tasks_gone key_row[],
    timers_gone key_row[],
    subscriptions_gone key_row[],
    calls_gone key_row[],
    messages_gone key_row[],
    start_timers_gone key_row[],
    happened history_row[],
    tokens token_row[],
    variables variable_row[],
    loops loop_row[],
    outputs output_row[],
    kepts kept_row[],
    jobs job_row[],
    tasks task_row[],
    timers timer_row[],
    subscriptions subscription_row[],
    calls call_row[],
    incidents incident_row[],
    incidents_resolved resolved_row[],
    messages message_row_2[],
    records outbox_row[],
    taken inbox_row[],
    failed_starts failed_start_row[],
    noted audit_row[],
    start_timers start_timer_row[],
    positions advanced_row[],
    letters letter_row[],
    letters_gone key_row[],
    outbox_gone key_row[]
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    moved bigint;
    begun bigint;
BEGIN
    PERFORM commit_batch(
        definitions_seen, added, changed, fences, tokens_gone, variables_gone, scopes_gone, loops_gone, kept_gone,
        jobs_gone, tasks_gone, timers_gone, subscriptions_gone, calls_gone, messages_gone, start_timers_gone, happened,
        tokens, variables, loops, outputs, kepts, jobs, tasks, timers, subscriptions, calls, incidents,
        incidents_resolved, ARRAY[]::message_row[], records, taken, failed_starts, noted, start_timers);

    IF cardinality(messages) > 0 THEN
        INSERT INTO message (id, name, key, variables, message_id, published, expires, correlated, node, record)
        SELECT u.* FROM unnest(messages) AS u
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, key = excluded.key, variables = excluded.variables,
            message_id = excluded.message_id, published = excluded.published, expires = excluded.expires,
            correlated = excluded.correlated, node = excluded.node, record = excluded.record;
    END IF;
    IF cardinality(letters_gone) > 0 THEN
        DELETE FROM letter AS l USING unnest(letters_gone) AS g WHERE l.id = g.id;
    END IF;
    IF cardinality(letters) > 0 THEN
        INSERT INTO letter
            (id, topic, partition, "offset", key, headers, value, published, at, attempts, due, state, instance, title, detail,
             closed, closed_by)
        SELECT u.* FROM unnest(letters) AS u
        ON CONFLICT (id) DO UPDATE SET
            topic = excluded.topic, partition = excluded.partition, "offset" = excluded."offset", key = excluded.key,
            headers = excluded.headers, value = excluded.value, published = excluded.published, at = excluded.at,
            attempts = excluded.attempts, due = excluded.due, state = excluded.state, instance = excluded.instance,
            title = excluded.title, detail = excluded.detail, closed = excluded.closed, closed_by = excluded.closed_by;
    END IF;
    IF cardinality(outbox_gone) > 0 THEN
        DELETE FROM outbox AS o
        WHERE coalesce(o.number, o.id) = ANY (ARRAY(SELECT g.id FROM unnest(outbox_gone) AS g));
    END IF;

    -- After the instances, whose locks come first in every batch, and in the order of their keys, as they are given: nobody waits for
    -- somebody who waits for him.
    IF cardinality(positions) > 0 THEN
        UPDATE position AS p SET next = (a.position).next
        FROM unnest(positions) AS a
        WHERE p."group" = (a.position)."group" AND p.topic = (a.position).topic
            AND p.partition = (a.position).partition AND p.next = a.read;
        GET DIAGNOSTICS moved = ROW_COUNT;
        INSERT INTO position ("group", topic, partition, next)
        SELECT (a.position)."group", (a.position).topic, (a.position).partition, (a.position).next
        FROM unnest(positions) AS a
        WHERE a.read IS NULL;
        GET DIAGNOSTICS begun = ROW_COUNT;
        IF moved + begun <> cardinality(positions) THEN
            RAISE EXCEPTION 'records were taken by others' USING ERRCODE = 'PC001';
        END IF;
    END IF;
END
$$;
