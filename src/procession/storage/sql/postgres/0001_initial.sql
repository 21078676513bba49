-- The tables of a store, in the order in which storage/__init__.py describes their rows, and the functions that write a batch.
--
--   what lives       instance · token · variable · loop · output · kept
--   what is awaited  job · task · timer · subscription · call · incident
--   what happened    history · failed_start · audit
--   what travels     message · outbox · inbox
--   what can run     definition · form · start_timer · start_subscription · revision
--   who may          user · session · draft
--   functions        commit_batch · hold_instances · matches · keep_partitions · continue_numbers
--
-- Ids are 64-bit and grow with time, so a row with an id of its own is appended. Times are microseconds since the epoch; documents
-- are JSON as it came, in bytea. Texts are compared byte by byte, as in the other stores. Everything is in a schema of its own.
-- The types are what a batch hands over: a row of each has the columns of the row in storage/__init__.py. A node of the version
-- before calls the functions of its version, so neither is ever changed: a later migration adds another one beside it.

CREATE TYPE key_row AS (id bigint);
CREATE TYPE part_row AS (instance bigint, number bigint);
CREATE TYPE name_row AS (instance bigint, scope bigint, name text);
CREATE TYPE resolved_row AS (at bigint, id bigint);
CREATE TYPE fence_row AS (job bigint, fence bigint);

-- Rows that are changed again and again keep room beside them, so that a change stays on its page and touches no index; what
-- queues write and delete is cleared away early.

CREATE TABLE instance (
    id            bigint PRIMARY KEY,
    definition    bigint NOT NULL,
    name          text COLLATE "C" NOT NULL,
    version       bigint NOT NULL,
    status        text COLLATE "C" NOT NULL,
    position      bigint NOT NULL,
    business_key  text COLLATE "C",
    started_by    text COLLATE "C" NOT NULL,
    started       bigint NOT NULL,
    ended         bigint,
    parent        bigint,
    parent_token  bigint,
    root          bigint NOT NULL,
    next_token    bigint NOT NULL,
    next_order    bigint NOT NULL,
    steps         bigint NOT NULL,
    ready         bigint NOT NULL,
    incidents     bigint NOT NULL
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX instance_name ON instance (name, status, id);
CREATE INDEX instance_status ON instance (status, id) WHERE status <> 'FINISHED';
CREATE INDEX instance_business_key ON instance (business_key, id) WHERE business_key IS NOT NULL;
CREATE INDEX instance_parent ON instance (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX instance_root ON instance (root, id) WHERE parent IS NOT NULL;
CREATE INDEX instance_ready ON instance (id) WHERE ready = 1;
CREATE INDEX instance_incidents ON instance (id) WHERE incidents > 0;

CREATE TYPE instance_row AS (
    id bigint, definition bigint, name text, version bigint, status text, position bigint, business_key text, started_by text,
    started bigint, ended bigint, parent bigint, parent_token bigint, root bigint, next_token bigint, next_order bigint,
    steps bigint, ready bigint, incidents bigint);
CREATE TYPE changed_row AS (instance instance_row, position bigint);

CREATE TABLE token (
    instance    bigint NOT NULL,
    id          bigint NOT NULL,
    parent      bigint,
    scope       bigint NOT NULL,
    node        text COLLATE "C" NOT NULL,
    start_node  text COLLATE "C" NOT NULL,
    flow        text COLLATE "C",
    state       text COLLATE "C" NOT NULL,
    status      text COLLATE "C" NOT NULL,
    version     bigint NOT NULL,
    updated     bigint NOT NULL,
    holding     text COLLATE "C" NOT NULL,
    count       bigint NOT NULL,
    finished    bigint NOT NULL,
    joined      bigint NOT NULL,
    item        bigint,
    PRIMARY KEY (instance, id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

CREATE TYPE token_row AS (
    instance bigint, id bigint, parent bigint, scope bigint, node text, start_node text, flow text, state text, status text,
    version bigint, updated bigint, holding text, count bigint, finished bigint, joined bigint, item bigint);

CREATE TABLE variable (
    instance  bigint NOT NULL,
    scope     bigint NOT NULL,
    name      text COLLATE "C" NOT NULL,
    value     bytea NOT NULL,
    PRIMARY KEY (instance, scope, name)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);

CREATE TYPE variable_row AS (instance bigint, scope bigint, name text, value bytea);

CREATE TABLE loop (
    instance  bigint NOT NULL,
    token     bigint NOT NULL,
    items     bytea NOT NULL,
    PRIMARY KEY (instance, token)
);

CREATE TYPE loop_row AS (instance bigint, token bigint, items bytea);

CREATE TABLE output (
    instance  bigint NOT NULL,
    token     bigint NOT NULL,
    index     bigint NOT NULL,
    value     bytea NOT NULL,
    PRIMARY KEY (instance, token, index)
);

CREATE TYPE output_row AS (instance bigint, token bigint, index bigint, value bytea);

CREATE TABLE kept (
    instance  bigint NOT NULL,
    number    bigint NOT NULL,
    command   bytea NOT NULL,
    PRIMARY KEY (instance, number)
);

CREATE TYPE kept_row AS (instance bigint, number bigint, command bytea);

-- `available` is when the job can be handed out, and the order in which it is: jobs that come back after a failure or a
-- lost lease queue with the others. `held` follows the status of the instance (1: on hold), so that a million held jobs are
-- not looked at to find one that is not.
CREATE TABLE job (
    id         bigint PRIMARY KEY,
    instance   bigint NOT NULL,
    token      bigint NOT NULL,
    node       text COLLATE "C" NOT NULL,
    type       text COLLATE "C" NOT NULL,
    retries    bigint NOT NULL,
    headers    bytea NOT NULL,
    created    bigint NOT NULL,
    due        bigint NOT NULL,
    fence      bigint NOT NULL DEFAULT 0,
    worker     text COLLATE "C",
    deadline   bigint NOT NULL DEFAULT 0,
    held       bigint NOT NULL DEFAULT 0,
    available  bigint NOT NULL GENERATED ALWAYS AS (greatest(created, due, deadline)) STORED
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX job_instance ON job (instance);
CREATE INDEX job_available ON job (type, available, id) WHERE retries > 0 AND held = 0;

CREATE TYPE job_row AS (
    id bigint, instance bigint, token bigint, node text, type text, retries bigint, headers bytea, created bigint, due bigint);

CREATE TABLE task (
    id          bigint PRIMARY KEY,
    instance    bigint NOT NULL,
    token       bigint NOT NULL,
    process     text COLLATE "C" NOT NULL,
    node        text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    lane        text COLLATE "C",
    assignee    text COLLATE "C",
    groups      bytea NOT NULL,
    users       bytea NOT NULL,
    created     bigint NOT NULL,
    due         bigint,
    follow_up   bigint,
    priority    bigint NOT NULL,
    form        text COLLATE "C",
    definition  bigint NOT NULL
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX task_instance ON task (instance);
CREATE INDEX task_assignee ON task (assignee, id) WHERE assignee IS NOT NULL;
CREATE INDEX task_due ON task (due, id DESC) WHERE due IS NOT NULL;

CREATE TYPE task_row AS (
    id bigint, instance bigint, token bigint, process text, node text, name text, lane text, assignee text, groups bytea,
    users bytea, created bigint, due bigint, follow_up bigint, priority bigint, form text, definition bigint);

-- `claimed` is until when a node works on a timer that is due; the others leave it alone so long.
CREATE TABLE timer (
    id        bigint PRIMARY KEY,
    instance  bigint NOT NULL,
    token     bigint NOT NULL,
    node      text COLLATE "C" NOT NULL,
    due       bigint NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    rule      text COLLATE "C" NOT NULL,
    zone      text COLLATE "C" NOT NULL,
    number    bigint NOT NULL,
    anchor    bigint NOT NULL,
    held      bigint NOT NULL DEFAULT 0,
    claimed   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX timer_instance ON timer (instance);
CREATE INDEX timer_due ON timer (due, id) WHERE held = 0;

CREATE TYPE timer_row AS (
    id bigint, instance bigint, token bigint, node text, due bigint, kind text, rule text, zone text, number bigint,
    anchor bigint);

CREATE TABLE subscription (
    id        bigint PRIMARY KEY,
    instance  bigint NOT NULL,
    token     bigint NOT NULL,
    process   text COLLATE "C" NOT NULL,
    node      text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX subscription_instance ON subscription (instance);
CREATE INDEX subscription_name ON subscription (name, key);

CREATE TYPE subscription_row AS (
    id bigint, instance bigint, token bigint, process text, node text, name text, key text);

CREATE TABLE call (
    id        bigint PRIMARY KEY,
    instance  bigint NOT NULL,
    token     bigint NOT NULL,
    node      text COLLATE "C" NOT NULL,
    process   text COLLATE "C" NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX call_instance ON call (instance);

CREATE TYPE call_row AS (id bigint, instance bigint, token bigint, node text, process text);

CREATE TABLE incident (
    id        bigint PRIMARY KEY,
    instance  bigint NOT NULL,
    process   text COLLATE "C" NOT NULL,
    token     bigint NOT NULL,
    node      text COLLATE "C" NOT NULL,
    source    text COLLATE "C" NOT NULL,
    type      text COLLATE "C" NOT NULL,
    cause     text COLLATE "C" NOT NULL,
    message   text COLLATE "C" NOT NULL,
    details   text COLLATE "C" NOT NULL,
    raised    bigint NOT NULL,
    job       bigint,
    resolved  bigint
);

CREATE INDEX incident_instance ON incident (instance);
CREATE INDEX incident_open ON incident (id) WHERE resolved IS NULL;

CREATE TYPE incident_row AS (
    id bigint, instance bigint, process text, token bigint, node text, source text, type text, cause text, message text,
    details text, raised bigint, job bigint, resolved bigint);

-- `number` is the order of the commits: the number of the transaction that wrote the row, and the row's place in it
-- (`commit_batch`). A position is written once because an instance is at it once; each part has an index that says so too.
CREATE TABLE history (
    number    bigint NOT NULL,
    instance  bigint NOT NULL,
    position  bigint NOT NULL,
    at        bigint NOT NULL,
    actor     text COLLATE "C" NOT NULL,
    command   text COLLATE "C" NOT NULL,
    reason    text COLLATE "C" NOT NULL,
    events    bytea NOT NULL
) PARTITION BY RANGE (at);

CREATE INDEX history_number ON history (number);

CREATE TABLE history_rest PARTITION OF history DEFAULT;
CREATE UNIQUE INDEX history_rest_position ON history_rest (instance, position);

CREATE TYPE history_row AS (
    instance bigint, position bigint, at bigint, actor text, command text, reason text, events bytea);

CREATE TABLE message (
    id          bigint PRIMARY KEY,
    name        text COLLATE "C" NOT NULL,
    key         text COLLATE "C",
    variables   bytea NOT NULL,
    message_id  text COLLATE "C",
    published   bigint NOT NULL,
    expires     bigint NOT NULL,
    correlated  bytea NOT NULL
);

CREATE INDEX message_name ON message (name, key);
CREATE INDEX message_expires ON message (expires);

CREATE TYPE message_row AS (
    id bigint, name text, key text, variables bytea, message_id text, published bigint, expires bigint, correlated bytea);

CREATE TABLE outbox (
    id        bigint PRIMARY KEY,
    instance  bigint NOT NULL,
    topic     text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    headers   bytea NOT NULL,
    value     bytea NOT NULL,
    created   bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE TYPE outbox_row AS (
    id bigint, instance bigint, topic text, key text, headers bytea, value bytea, created bigint);

CREATE TABLE inbox (
    key     text COLLATE "C" PRIMARY KEY,
    at      bigint NOT NULL,
    result  bytea NOT NULL
);

CREATE TYPE inbox_row AS (key text, at bigint, result bytea);

CREATE TABLE failed_start (
    id               bigint PRIMARY KEY,
    process          text COLLATE "C" NOT NULL,
    at               bigint NOT NULL,
    actor            text COLLATE "C" NOT NULL,
    status           bigint NOT NULL,
    title            text COLLATE "C" NOT NULL,
    detail           text COLLATE "C" NOT NULL,
    data             bytea NOT NULL,
    start_condition  text COLLATE "C",
    business_key     text COLLATE "C"
);

CREATE TYPE failed_start_row AS (
    id bigint, process text, at bigint, actor text, status bigint, title text, detail text, data bytea, start_condition text,
    business_key text);

CREATE TABLE audit (
    id          bigint PRIMARY KEY,
    at          bigint NOT NULL,
    actor       text COLLATE "C" NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    event       text COLLATE "C" NOT NULL,
    identifier  text COLLATE "C" NOT NULL,
    status      text COLLATE "C" NOT NULL,
    detail      text COLLATE "C" NOT NULL
);

CREATE TYPE audit_row AS (
    id bigint, at bigint, actor text, subject text, event text, identifier text, status text, detail text);

CREATE TABLE definition (
    id           bigint PRIMARY KEY,
    name         text COLLATE "C" NOT NULL,
    version      bigint NOT NULL,
    title        text COLLATE "C" NOT NULL,
    state        text COLLATE "C" NOT NULL,
    digest       text COLLATE "C" NOT NULL,
    file         text COLLATE "C" NOT NULL,
    data         bytea NOT NULL,
    deployed     bigint NOT NULL,
    deployed_by  text COLLATE "C" NOT NULL,
    UNIQUE (name, version)
);

CREATE TABLE form (
    definition  bigint NOT NULL,
    key         text COLLATE "C" NOT NULL,
    data        bytea NOT NULL,
    PRIMARY KEY (definition, key)
);

CREATE TABLE start_timer (
    id          bigint PRIMARY KEY,
    definition  bigint NOT NULL,
    node        text COLLATE "C" NOT NULL,
    due         bigint NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    rule        text COLLATE "C" NOT NULL,
    zone        text COLLATE "C" NOT NULL,
    number      bigint NOT NULL,
    anchor      bigint NOT NULL
);

CREATE INDEX start_timer_due ON start_timer (due);

CREATE TYPE start_timer_row AS (
    id bigint, definition bigint, node text, due bigint, kind text, rule text, zone text, number bigint, anchor bigint);

CREATE TABLE start_subscription (
    definition  bigint NOT NULL,
    process     text COLLATE "C" NOT NULL,
    node        text COLLATE "C" NOT NULL,
    name        text COLLATE "C" NOT NULL,
    PRIMARY KEY (name, definition, node)
);

-- One row. `definitions` counts the changes to what can run. `base` is added to the numbers of transactions, which begin anew where
-- a backup is restored on another server: the order of the commits goes on (`continue_numbers`).
CREATE TABLE revision (
    definitions  bigint NOT NULL,
    base         bigint NOT NULL
);

INSERT INTO revision (definitions, base) VALUES (0, 0);

CREATE TABLE "user" (
    name      text COLLATE "C" PRIMARY KEY,
    password  text COLLATE "C" NOT NULL,
    roles     bytea NOT NULL,
    created   bigint NOT NULL
);

CREATE TABLE session (
    id       text COLLATE "C" PRIMARY KEY,
    "user"   text COLLATE "C" NOT NULL,
    stamp    text COLLATE "C" NOT NULL,
    csrf     text COLLATE "C" NOT NULL,
    created  bigint NOT NULL,
    expires  bigint NOT NULL
);

CREATE INDEX session_of ON session ("user");
CREATE INDEX session_expires ON session (expires);

CREATE TABLE draft (
    task    bigint NOT NULL,
    "user"  text COLLATE "C" NOT NULL,
    data    bytea NOT NULL,
    saved   bigint NOT NULL,
    PRIMARY KEY (task, "user")
);

CREATE INDEX draft_user ON draft ("user");


-- Everything a batch changes, in one call and so in one transaction: one round trip for a commit, and no lock that waits for the
-- network. What is gone makes room for what is put. Errors: PC001, an instance is not where it was read, or a job was
-- handed out again; PC002, definitions changed since they were looked at.
CREATE FUNCTION commit_batch(
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
    messages message_row[],
    records outbox_row[],
    taken inbox_row[],
    failed_starts failed_start_row[],
    noted audit_row[],
    start_timers start_timer_row[]
) RETURNS void LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    right_ones bigint;
    were_held bigint[];
    are_held bigint[];
BEGIN
    IF (SELECT r.definitions FROM revision AS r) <> definitions_seen THEN
        RAISE EXCEPTION 'definitions changed' USING ERRCODE = 'PC002';
    END IF;

    IF cardinality(changed) > 0 THEN
        -- Whoever has lost instances to others again and again holds a part of all instances for itself (`hold_instances`): behind
        -- it. No row is locked before that, and no transaction number taken: numbers are in the order of the changes.
        PERFORM pg_advisory_xact_lock_shared(hashtext('procession instances ' || current_schema()), part::int)
        FROM (SELECT DISTINCT (c.instance).id % 64 AS part FROM unnest(changed) AS c ORDER BY 1) AS parts;
        -- In the order of their ids, so that two nodes never wait for each other.
        WITH locked AS (
            SELECT i.id, i.position, i.status FROM instance AS i
            WHERE i.id = ANY (ARRAY(SELECT (c.instance).id FROM unnest(changed) AS c))
            ORDER BY i.id
            FOR UPDATE)
        SELECT count(DISTINCT l.id), array_agg(l.id) FILTER (WHERE l.status = 'ON_HOLD')
        INTO right_ones, were_held
        FROM locked AS l
        JOIN unnest(changed) AS c ON (c.instance).id = l.id AND c.position = l.position;
        IF right_ones <> cardinality(changed) THEN
            RAISE EXCEPTION 'an instance was changed' USING ERRCODE = 'PC001';
        END IF;
        UPDATE instance AS i
        SET definition = (c.instance).definition, name = (c.instance).name, version = (c.instance).version,
            status = (c.instance).status, position = (c.instance).position, business_key = (c.instance).business_key,
            started_by = (c.instance).started_by, started = (c.instance).started, ended = (c.instance).ended,
            parent = (c.instance).parent, parent_token = (c.instance).parent_token, root = (c.instance).root,
            next_token = (c.instance).next_token, next_order = (c.instance).next_order, steps = (c.instance).steps,
            ready = (c.instance).ready, incidents = (c.instance).incidents
        FROM unnest(changed) AS c
        WHERE i.id = (c.instance).id;
    END IF;

    IF cardinality(fences) > 0 THEN
        -- A job whose lease ran out may have been handed out since it was read; from here on it is not.
        WITH locked AS (
            SELECT j.id, j.fence FROM job AS j
            WHERE j.id = ANY (ARRAY(SELECT f.job FROM unnest(fences) AS f))
            ORDER BY j.id
            FOR UPDATE)
        SELECT count(*) INTO right_ones FROM unnest(fences) AS f JOIN locked AS l ON l.id = f.job AND l.fence = f.fence;
        IF right_ones <> cardinality(fences) THEN
            RAISE EXCEPTION 'a job was handed out again' USING ERRCODE = 'PC001';
        END IF;
    END IF;

    IF cardinality(tokens_gone) > 0 THEN
        DELETE FROM token AS t USING unnest(tokens_gone) AS g WHERE t.instance = g.instance AND t.id = g.number;
    END IF;
    IF cardinality(variables_gone) > 0 THEN
        DELETE FROM variable AS v USING unnest(variables_gone) AS g
        WHERE v.instance = g.instance AND v.scope = g.scope AND v.name = g.name;
    END IF;
    IF cardinality(scopes_gone) > 0 THEN
        DELETE FROM variable AS v USING unnest(scopes_gone) AS g WHERE v.instance = g.instance AND v.scope = g.number;
    END IF;
    IF cardinality(loops_gone) > 0 THEN
        DELETE FROM "loop" AS l USING unnest(loops_gone) AS g WHERE l.instance = g.instance AND l.token = g.number;
        DELETE FROM output AS o USING unnest(loops_gone) AS g WHERE o.instance = g.instance AND o.token = g.number;
    END IF;
    IF cardinality(kept_gone) > 0 THEN
        DELETE FROM kept AS k USING unnest(kept_gone) AS g WHERE k.instance = g.id;
    END IF;
    IF cardinality(jobs_gone) > 0 THEN
        DELETE FROM job AS j USING unnest(jobs_gone) AS g WHERE j.id = g.id;
    END IF;
    IF cardinality(tasks_gone) > 0 THEN
        DELETE FROM task AS t USING unnest(tasks_gone) AS g WHERE t.id = g.id;
        DELETE FROM draft AS d USING unnest(tasks_gone) AS g WHERE d.task = g.id;
    END IF;
    IF cardinality(timers_gone) > 0 THEN
        DELETE FROM timer AS t USING unnest(timers_gone) AS g WHERE t.id = g.id;
    END IF;
    IF cardinality(subscriptions_gone) > 0 THEN
        DELETE FROM subscription AS s USING unnest(subscriptions_gone) AS g WHERE s.id = g.id;
    END IF;
    IF cardinality(calls_gone) > 0 THEN
        DELETE FROM call AS c USING unnest(calls_gone) AS g WHERE c.id = g.id;
    END IF;
    IF cardinality(messages_gone) > 0 THEN
        DELETE FROM message AS m USING unnest(messages_gone) AS g WHERE m.id = g.id;
    END IF;
    IF cardinality(start_timers_gone) > 0 THEN
        DELETE FROM start_timer AS t USING unnest(start_timers_gone) AS g WHERE t.id = g.id;
    END IF;

    IF cardinality(added) > 0 THEN
        INSERT INTO instance
            (id, definition, name, version, status, position, business_key, started_by, started, ended, parent,
             parent_token, root, next_token, next_order, steps, ready, incidents)
        SELECT u.* FROM unnest(added) AS u;
    END IF;
    IF cardinality(happened) > 0 THEN
        INSERT INTO history (number, instance, position, at, actor, command, reason, events)
        SELECT (SELECT r.base FROM revision AS r) + (pg_current_xact_id()::text::bigint << 20) + u.place,
            u.instance, u.position, u.at, u.actor, u.command, u.reason, u.events
        FROM unnest(happened) WITH ORDINALITY
            AS u (instance, position, at, actor, command, reason, events, place);
    END IF;
    IF cardinality(tokens) > 0 THEN
        INSERT INTO token
            (instance, id, parent, scope, node, start_node, flow, state, status, version, updated, holding, count,
             finished, joined, item)
        SELECT u.* FROM unnest(tokens) AS u
        ON CONFLICT (instance, id) DO UPDATE SET
            parent = excluded.parent, scope = excluded.scope, node = excluded.node, start_node = excluded.start_node,
            flow = excluded.flow, state = excluded.state, status = excluded.status, version = excluded.version,
            updated = excluded.updated, holding = excluded.holding, count = excluded.count,
            finished = excluded.finished, joined = excluded.joined, item = excluded.item;
    END IF;
    IF cardinality(variables) > 0 THEN
        INSERT INTO variable (instance, scope, name, value)
        SELECT u.* FROM unnest(variables) AS u
        ON CONFLICT (instance, scope, name) DO UPDATE SET value = excluded.value;
    END IF;
    IF cardinality(loops) > 0 THEN
        INSERT INTO "loop" (instance, token, items)
        SELECT u.* FROM unnest(loops) AS u
        ON CONFLICT (instance, token) DO UPDATE SET items = excluded.items;
    END IF;
    IF cardinality(outputs) > 0 THEN
        INSERT INTO output (instance, token, index, value)
        SELECT u.* FROM unnest(outputs) AS u
        ON CONFLICT (instance, token, index) DO UPDATE SET value = excluded.value;
    END IF;
    IF cardinality(kepts) > 0 THEN
        INSERT INTO kept (instance, number, command)
        SELECT u.* FROM unnest(kepts) AS u
        ON CONFLICT (instance, number) DO UPDATE SET command = excluded.command;
    END IF;

    -- What is there already is replaced; a job loses its lease and keeps its fencing number. If an id is another instance's, the
    -- owner becomes NULL, which the column refuses: nobody's row is overwritten.
    IF cardinality(jobs) > 0 THEN
        INSERT INTO job AS o (id, instance, token, node, type, retries, headers, created, due)
        SELECT u.* FROM unnest(jobs) AS u
        ON CONFLICT (id) DO UPDATE SET
            instance = CASE o.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
            node = excluded.node, type = excluded.type, retries = excluded.retries, headers = excluded.headers,
            created = excluded.created, due = excluded.due, worker = NULL, deadline = 0, held = 0;
    END IF;
    IF cardinality(tasks) > 0 THEN
        INSERT INTO task AS o
            (id, instance, token, process, node, name, lane, assignee, groups, users, created, due, follow_up, priority,
             form, definition)
        SELECT u.* FROM unnest(tasks) AS u
        ON CONFLICT (id) DO UPDATE SET
            instance = CASE o.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
            process = excluded.process, node = excluded.node, name = excluded.name, lane = excluded.lane,
            assignee = excluded.assignee, groups = excluded.groups, users = excluded.users,
            created = excluded.created, due = excluded.due, follow_up = excluded.follow_up,
            priority = excluded.priority, form = excluded.form, definition = excluded.definition;
    END IF;
    IF cardinality(timers) > 0 THEN
        INSERT INTO timer AS o (id, instance, token, node, due, kind, rule, zone, number, anchor)
        SELECT u.* FROM unnest(timers) AS u
        ON CONFLICT (id) DO UPDATE SET
            instance = CASE o.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
            node = excluded.node, due = excluded.due, kind = excluded.kind, rule = excluded.rule,
            zone = excluded.zone, number = excluded.number, anchor = excluded.anchor, held = 0, claimed = 0;
    END IF;
    IF cardinality(subscriptions) > 0 THEN
        INSERT INTO subscription AS o (id, instance, token, process, node, name, key)
        SELECT u.* FROM unnest(subscriptions) AS u
        ON CONFLICT (id) DO UPDATE SET
            instance = CASE o.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
            process = excluded.process, node = excluded.node, name = excluded.name, key = excluded.key;
    END IF;
    IF cardinality(calls) > 0 THEN
        INSERT INTO call AS o (id, instance, token, node, process)
        SELECT u.* FROM unnest(calls) AS u
        ON CONFLICT (id) DO UPDATE SET
            instance = CASE o.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
            node = excluded.node, process = excluded.process;
    END IF;
    IF cardinality(incidents) > 0 THEN
        INSERT INTO incident AS o
            (id, instance, process, token, node, source, type, cause, message, details, raised, job, resolved)
        SELECT u.* FROM unnest(incidents) AS u
        ON CONFLICT (id) DO UPDATE SET
            instance = CASE o.instance WHEN excluded.instance THEN excluded.instance END, process = excluded.process,
            token = excluded.token, node = excluded.node, source = excluded.source, type = excluded.type,
            cause = excluded.cause, message = excluded.message, details = excluded.details, raised = excluded.raised,
            job = excluded.job, resolved = excluded.resolved;
    END IF;
    IF cardinality(incidents_resolved) > 0 THEN
        UPDATE incident AS i SET resolved = u.at FROM unnest(incidents_resolved) AS u WHERE i.id = u.id;
    END IF;

    IF cardinality(messages) > 0 THEN
        INSERT INTO message (id, name, key, variables, message_id, published, expires, correlated)
        SELECT u.* FROM unnest(messages) AS u
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, key = excluded.key, variables = excluded.variables,
            message_id = excluded.message_id, published = excluded.published, expires = excluded.expires,
            correlated = excluded.correlated;
    END IF;
    IF cardinality(records) > 0 THEN
        INSERT INTO outbox (id, instance, topic, key, headers, value, created) SELECT u.* FROM unnest(records) AS u;
    END IF;
    IF cardinality(taken) > 0 THEN
        INSERT INTO inbox (key, at, result) SELECT u.* FROM unnest(taken) AS u ORDER BY u.key COLLATE "C";
    END IF;
    IF cardinality(failed_starts) > 0 THEN
        INSERT INTO failed_start
            (id, process, at, actor, status, title, detail, data, start_condition, business_key)
        SELECT u.* FROM unnest(failed_starts) AS u;
    END IF;
    IF cardinality(noted) > 0 THEN
        INSERT INTO audit (id, at, actor, subject, event, identifier, status, detail) SELECT u.* FROM unnest(noted) AS u;
    END IF;
    IF cardinality(start_timers) > 0 THEN
        INSERT INTO start_timer (id, definition, node, due, kind, rule, zone, number, anchor)
        SELECT u.* FROM unnest(start_timers) AS u
        ON CONFLICT (id) DO UPDATE SET
            definition = excluded.definition, node = excluded.node, due = excluded.due, kind = excluded.kind,
            rule = excluded.rule, zone = excluded.zone, number = excluded.number, anchor = excluded.anchor;
    END IF;

    -- The jobs and timers of instances on hold are marked, so that whoever looks for work does not even see them.
    are_held := ARRAY(
        SELECT (c.instance).id FROM unnest(changed) AS c WHERE (c.instance).status = 'ON_HOLD'
        UNION ALL
        SELECT u.id FROM unnest(added) AS u WHERE u.status = 'ON_HOLD');
    IF cardinality(are_held) > 0 THEN
        UPDATE job AS j SET held = 1 WHERE j.held = 0 AND j.instance = ANY (are_held);
        UPDATE timer AS t SET held = 1 WHERE t.held = 0 AND t.instance = ANY (are_held);
    END IF;
    IF cardinality(were_held) > 0 THEN
        UPDATE job AS j SET held = 0
        WHERE j.held = 1 AND j.instance = ANY (were_held) AND NOT j.instance = ANY (are_held);
        UPDATE timer AS t SET held = 0, claimed = 0
        WHERE t.held = 1 AND t.instance = ANY (were_held) AND NOT t.instance = ANY (are_held);
    END IF;
END
$$;


-- Waits until nobody changes these instances (and others of the same parts), and keeps everybody from it until the transaction ends.
CREATE FUNCTION hold_instances(instances bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('procession instances ' || current_schema()), part::int)
    FROM (SELECT DISTINCT i % 64 AS part FROM unnest(instances) AS i ORDER BY 1) AS parts;
END
$$;


-- Whether the JSON of a variable has, at the path of the condition, its value: the same answer as storage/matching.py gives.
-- A condition is a JSON array: the variable's name, the path inside it, the value. PostgreSQL cannot hold NUL in a text: U+FFFD
-- stands for it.
CREATE FUNCTION matches(value bytea, condition text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    nul constant text := '(?<!\\)((\\\\)*)\\u0000';
    held text := convert_from(value, 'UTF8');
    found json;
    wanted json;
    step text;
BEGIN
    IF held || condition LIKE '%\\u0000%' THEN
        held := regexp_replace(held, nul, '\1\\ufffd', 'g');
        condition := regexp_replace(condition, nul, '\1\\ufffd', 'g');
    END IF;
    found := held::json;
    wanted := condition::json;
    FOR step IN SELECT json_array_elements_text(wanted -> 1) LOOP
        IF json_typeof(found) <> 'object' THEN
            RETURN false;
        END IF;
        found := found -> step;
        IF found IS NULL THEN
            RETURN false;
        END IF;
    END LOOP;
    RETURN found::jsonb = (wanted -> 2)::jsonb;
END
$$;


-- A table for each month of history, three months ahead. What is of another time (a clock that was moved) goes to `history_rest`;
-- a month of which that has rows already stays there.
CREATE FUNCTION keep_partitions() RETURNS void LANGUAGE plpgsql SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    first bigint;
    last bigint;
    part text;
BEGIN
    FOR month IN
        SELECT generate_series(date_trunc('month', now()), now() + interval '2 months', interval '1 month')
    LOOP
        part := 'history_' || to_char(month, 'YYYY_MM');
        first := extract(epoch FROM month)::bigint * 1000000;
        last := extract(epoch FROM month + interval '1 month')::bigint * 1000000;
        CONTINUE WHEN to_regclass(format('%I.%I', current_schema(), part)) IS NOT NULL;
        CONTINUE WHEN EXISTS (SELECT 1 FROM history_rest WHERE at >= first AND at < last);
        EXECUTE format('CREATE TABLE %I PARTITION OF history FOR VALUES FROM (%s) TO (%s)', part, first, last);
        EXECUTE format('CREATE UNIQUE INDEX %I ON %I (instance, position)', part || '_position', part);
    END LOOP;
END
$$;


-- Where the numbers of transactions have begun anew (a backup on another server), the order of the commits goes on after its end.
CREATE FUNCTION continue_numbers() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last bigint := (SELECT max(number) FROM history);
    next bigint := (SELECT base FROM revision) + (pg_current_xact_id()::text::bigint << 20);
BEGIN
    IF last >= next THEN
        UPDATE revision SET base = base + ((((last - next) >> 20) + 1) << 20);
    END IF;
END
$$;
