-- Every statement that the PostgreSQL store runs, by name, as sqlite.sql has them. Columns stand in the order of the rows in
-- storage/__init__.py. What a batch writes is the function `commit_batch` of the schema (postgres/0001_initial.sql), or the one with
-- all that came later, `commit_batch_2` (postgres/0002_bus.sql).
--
--   1 the schema      2 a batch: reads    3 what time has come for    4 definitions
--   5 queries         6 users and their sessions
--
-- `:name` is a parameter; many ids or names are one parameter, an array. A line that ends in `-- if WORD` is left out unless a
-- caller asks for that word.


-- == 1 the schema =====================================================================================================

-- name: lock_schema
-- Whoever opens the store looks after its schema alone; the others wait, and find nothing to do.
SELECT pg_advisory_xact_lock(hashtext('procession schema'), hashtext(:schema))

-- name: hurry
-- Whoever waits for a lock on a table keeps all others waiting who come after: not for long.
SELECT set_config('lock_timeout', '1s', true)

-- name: find_schema
-- Whether it is there.
SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = :schema

-- name: tables
-- What tables there are: a schema that has some, but no `migration`, belongs to another program.
SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = :schema

-- name: create_migration
-- Which schema it is.
CREATE TABLE IF NOT EXISTS migration (
    version   bigint PRIMARY KEY,
    name      text NOT NULL,
    checksum  text NOT NULL,
    applied   timestamptz NOT NULL DEFAULT now())

-- name: migrations
-- What it has been through.
SELECT version, name, checksum FROM migration ORDER BY version

-- name: add_migration
-- It has been through this one as well.
INSERT INTO migration (version, name, checksum) VALUES (:version, :name, :checksum)

-- name: keep_partitions
-- A table for each month of history, ahead of time.
SELECT keep_partitions()

-- name: continue_numbers
-- The order of the commits goes on, also on another server.
SELECT continue_numbers()

-- name: claim_number
-- A number that no other node on this store has, for as long as the connection lasts.
SELECT pg_try_advisory_lock(hashtext('procession node ' || current_schema()), :number::int)

-- name: tell_others
-- Wake the other nodes.
SELECT pg_notify(:channel, :news)

-- name: ping
-- Whether it answers.
SELECT 1


-- == 2 a batch: reads and writes ======================================================================================

-- name: commit_batch
-- See the function.
SELECT commit_batch(:definitions::bigint, :new::instance_row[], :changed::changed_row[], :fences::fence_row[], :tokens_gone::part_row[],
    :variables_gone::name_row[], :scopes_gone::part_row[], :loops_gone::part_row[], :kept_gone::key_row[],
    :jobs_gone::key_row[], :tasks_gone::key_row[], :timers_gone::key_row[], :subscriptions_gone::key_row[],
    :calls_gone::key_row[], :messages_gone::key_row[], :start_timers_gone::key_row[], :history::history_row[],
    :tokens::token_row[], :variables::variable_row[], :loops::loop_row[], :outputs::output_row[], :kept::kept_row[],
    :jobs::job_row[], :tasks::task_row[], :timers::timer_row[], :subscriptions::subscription_row[],
    :calls::call_row[], :incidents::incident_row[], :incidents_resolved::resolved_row[], :messages::message_row[],
    :outbox::outbox_row[], :inbox::inbox_row[], :failed_starts::failed_start_row[], :audit::audit_row[],
    :start_timers::start_timer_row[])

-- name: commit_batch_2
-- See the function.
SELECT commit_batch_2(:definitions::bigint, :new::instance_row[], :changed::changed_row[], :fences::fence_row[],
    :tokens_gone::part_row[], :variables_gone::name_row[], :scopes_gone::part_row[], :loops_gone::part_row[], :kept_gone::key_row[],
    :jobs_gone::key_row[], :tasks_gone::key_row[], :timers_gone::key_row[], :subscriptions_gone::key_row[],
    :calls_gone::key_row[], :messages_gone::key_row[], :start_timers_gone::key_row[], :history::history_row[],
    :tokens::token_row[], :variables::variable_row[], :loops::loop_row[], :outputs::output_row[], :kept::kept_row[],
    :jobs::job_row[], :tasks::task_row[], :timers::timer_row[], :subscriptions::subscription_row[],
    :calls::call_row[], :incidents::incident_row[], :incidents_resolved::resolved_row[], :messages::message_row_2[],
    :outbox::outbox_row[], :inbox::inbox_row[], :failed_starts::failed_start_row[], :audit::audit_row[],
    :start_timers::start_timer_row[], :positions::advanced_row[], :letters::letter_row[],
    :letters_gone::key_row[], :outbox_gone::key_row[])

-- name: hold_instances
-- See the function.
SELECT hold_instances(:instances)

-- name: find
-- Whose the jobs, tasks and timers are, the leases of the jobs, what came of what was taken in already; and where the
-- instances are now, those that were asked for and those that own something of it.
WITH
    jobs AS (SELECT id, instance, fence, worker, deadline FROM job WHERE id = ANY (:jobs::bigint[])),
    tasks AS (SELECT id, instance FROM task WHERE id = ANY (:tasks::bigint[])),
    timers AS (SELECT id, instance FROM timer WHERE id = ANY (:timers::bigint[]))
SELECT
    (SELECT array_agg(ROW (j.id, j.instance, j.fence, j.worker, j.deadline)) FROM jobs AS j),
    (SELECT array_agg(ROW (t.id, t.instance)) FROM tasks AS t),
    (SELECT array_agg(ROW (t.id, t.instance)) FROM timers AS t),
    (SELECT array_agg(ROW (b.key, b.result)) FROM inbox AS b WHERE b.key = ANY (:keys::text[])),
    (SELECT array_agg(ROW (i.id, i.position)) FROM instance AS i
     WHERE i.id = ANY (:instances::bigint[] || ARRAY(
        SELECT instance FROM jobs UNION ALL SELECT instance FROM tasks UNION ALL SELECT instance FROM timers)))

-- name: load
-- Everything live of instances, as it was at one moment.
SELECT
    (SELECT array_agg(ROW (i.id, i.definition, i.name, i.version, i.status, i.position, i.business_key, i.started_by,
        i.started, i.ended, i.parent, i.parent_token, i.root, i.next_token, i.next_order, i.steps, i.ready, i.incidents))
     FROM instance AS i WHERE i.id = ANY (:instances)),
    (SELECT array_agg(ROW (t.instance, t.id, t.parent, t.scope, t.node, t.start_node, t.flow, t.state, t.status,
        t.version, t.updated, t.holding, t.count, t.finished, t.joined, t.item) ORDER BY t.instance, t.id)
     FROM token AS t WHERE t.instance = ANY (:instances)),
    (SELECT array_agg(ROW (v.instance, v.scope, v.name, v.value) ORDER BY v.instance, v.scope, v.name)
     FROM variable AS v WHERE v.instance = ANY (:instances)),
    (SELECT array_agg(ROW (l.instance, l.token, l.items) ORDER BY l.instance, l.token)
     FROM loop AS l WHERE l.instance = ANY (:instances)),
    (SELECT array_agg(ROW (o.instance, o.token, o.index, o.value) ORDER BY o.instance, o.token, o.index)
     FROM output AS o WHERE o.instance = ANY (:instances)),
    (SELECT array_agg(ROW (k.instance, k.number, k.command) ORDER BY k.instance, k.number)
     FROM kept AS k WHERE k.instance = ANY (:instances)),
    (SELECT array_agg(ROW (j.id, j.instance, j.token, j.node, j.type, j.retries, j.headers, j.created, j.due)
        ORDER BY j.instance, j.id)
     FROM job AS j WHERE j.instance = ANY (:instances)),
    (SELECT array_agg(ROW (t.id, t.instance, t.token, t.process, t.node, t.name, t.lane, t.assignee, t.groups, t.users,
        t.created, t.due, t.follow_up, t.priority, t.form, t.definition) ORDER BY t.instance, t.id)
     FROM task AS t WHERE t.instance = ANY (:instances)),
    (SELECT array_agg(ROW (t.id, t.instance, t.token, t.node, t.due, t.kind, t.rule, t.zone, t.number, t.anchor)
        ORDER BY t.instance, t.id)
     FROM timer AS t WHERE t.instance = ANY (:instances)),
    (SELECT array_agg(ROW (s.id, s.instance, s.token, s.process, s.node, s.name, s.key) ORDER BY s.instance, s.id)
     FROM subscription AS s WHERE s.instance = ANY (:instances)),
    (SELECT array_agg(ROW (c.id, c.instance, c.token, c.node, c.process) ORDER BY c.instance, c.id)
     FROM call AS c WHERE c.instance = ANY (:instances)),
    (SELECT array_agg(ROW (n.id, n.instance, n.process, n.token, n.node, n.source, n.type, n.cause, n.message,
        n.details, n.raised, n.job, n.resolved) ORDER BY n.instance, n.id)
     FROM incident AS n WHERE n.instance = ANY (:instances) AND n.resolved IS NULL)

-- name: missed
-- What happened in instances after the positions that are known.
SELECT h.instance, h.position, h.at, h.actor, h.command, h.reason, h.events
FROM unnest(:instances::bigint[], :positions::bigint[]) AS known (instance, position)
JOIN history AS h ON h.instance = known.instance AND h.position > known.position
ORDER BY h.instance, h.position

-- name: find_subscriptions
-- Who waits for messages with these names and keys, oldest first, and the status of the instance that does. A message without a
-- key is for everybody who waits for its name.
SELECT s.id, s.instance, s.token, s.process, s.node, s.name, s.key, i.status
FROM subscription AS s
JOIN instance AS i ON i.id = s.instance
WHERE s.id IN (
    SELECT x.id FROM unnest(:names::text[], :keys::text[]) AS asked (name, key)
    JOIN subscription AS x ON x.name = asked.name AND x.key = asked.key
    UNION ALL
    SELECT x.id FROM subscription AS x WHERE x.name = ANY (:everybody::text[]))
ORDER BY s.id

-- name: find_starts
-- What these messages start.
SELECT definition, process, node, name FROM start_subscription WHERE name = ANY (:names) ORDER BY name, definition, node

-- name: find_buffered
-- What has come already. A message without a key is for everybody.
SELECT DISTINCT m.id, m.name, m.key, m.variables, m.message_id, m.published, m.expires, m.correlated, m.node, m.record
FROM unnest(:names::text[], :keys::text[]) AS asked (name, key)
JOIN message AS m ON m.name = asked.name AND (m.key = asked.key OR m.key IS NULL)
ORDER BY m.id

-- name: find_children
-- The children that are still running, and their statuses.
SELECT parent, id, status FROM instance WHERE parent = ANY (:parents) AND ended IS NULL ORDER BY parent, id

-- name: find_positions
-- How far groups have taken in partitions.
SELECT p."group", p.topic, p.partition, p.next
FROM unnest(:groups::text[], :topics::text[], :partitions::bigint[]) AS asked ("group", topic, partition)
JOIN position AS p ON p."group" = asked."group" AND p.topic = asked.topic AND p.partition = asked.partition

-- name: find_letters
-- Records that could not be handled.
SELECT id, topic, partition, "offset", key, headers, value, published, at, attempts, due, state, instance, title, detail, closed,
    closed_by
FROM letter WHERE id = ANY (:letters)

-- name: find_inbox
-- What came of what was taken in already.
SELECT key, result FROM inbox WHERE key = ANY (:keys)

-- name: find_fences
-- The numbers under which jobs were handed out last: to say the same.
SELECT id, fence FROM job WHERE id = ANY (:jobs)

-- name: moved_instances
-- Where the instances are now: to say which of them made a batch fail.
SELECT id, position FROM instance WHERE id = ANY (:instances)


-- == 3 what time has come for =========================================================================================

-- name: lease_jobs
-- Hand out the jobs of a type that have waited longest; those that another node is handing out are left to it.
UPDATE job AS j SET fence = j.fence + 1, worker = :worker, deadline = :deadline
FROM (
    SELECT id FROM job
    WHERE type = :type AND available <= :now AND retries > 0 AND held = 0
    ORDER BY available, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED) AS picked
WHERE j.id = picked.id
RETURNING j.id, j.instance, j.token, j.node, j.type, j.retries, j.headers, j.created, j.due, j.fence, j.worker, j.deadline

-- name: extend_lease
-- Only while the lease lasts: afterwards another worker may have the job.
UPDATE job SET deadline = :deadline WHERE id = :job AND fence = :fence AND deadline > :now

-- name: release_lease
-- Give the job back.
UPDATE job SET worker = NULL, deadline = 0 WHERE id = :job AND fence = :fence AND deadline > 0

-- name: due_timers
-- The timers that are due, the latest first to be late first.
SELECT id, instance, token, node, due, kind, rule, zone, number, anchor
FROM timer WHERE due <= :now AND held = 0 ORDER BY due, id LIMIT :limit

-- name: claim_timers
-- The same, for this node alone until a moment: so the nodes share them. A claim of more than a minute is of a node whose clock
-- is wrong; it would keep the others from a timer for as long as that.
UPDATE timer AS t SET claimed = :until
FROM (
    SELECT id FROM timer
    WHERE due <= :now AND held = 0 AND (claimed <= :now OR claimed > :now + 60000000)
    ORDER BY due, id
    LIMIT :limit
    FOR UPDATE SKIP LOCKED) AS picked
WHERE t.id = picked.id
RETURNING t.id, t.instance, t.token, t.node, t.due, t.kind, t.rule, t.zone, t.number, t.anchor

-- name: due_starts
-- The definitions that are to be started.
SELECT id, definition, node, due, kind, rule, zone, number, anchor
FROM start_timer WHERE due <= :now ORDER BY due, id LIMIT :limit

-- name: next_due
-- The next moment that anything is due.
SELECT least((SELECT min(due) FROM timer WHERE held = 0), (SELECT min(due) FROM start_timer))

-- name: ready
-- The instances that can go on by themselves. A step that is to come in more than a minute is of a node whose clock is wrong.
SELECT i.id FROM instance AS i
WHERE i.ready = 1 AND i.status <> 'ON_HOLD'
    AND NOT EXISTS (SELECT 1 FROM history AS h                                                      -- if since
                    WHERE h.instance = i.id AND h.position = i.position AND h.at > :since           -- if since
                        AND h.at <= :since + 60000000)                                              -- if since
ORDER BY i.id
LIMIT :limit

-- name: overlooked
-- Buffered messages that somebody waits for, or that start a process: another node began to wait at the moment they came.
SELECT m.id, m.name, m.key FROM message AS m
WHERE m.id > :after
    AND (EXISTS (SELECT 1 FROM subscription AS s WHERE s.name = m.name AND (m.key IS NULL OR s.key = m.key))
        OR EXISTS (SELECT 1 FROM start_subscription AS s WHERE s.name = m.name))
ORDER BY m.id
LIMIT :limit

-- name: expire_messages
-- The time of these messages is over.
DELETE FROM message WHERE id IN (
    SELECT id FROM message WHERE expires <= :now AND record IS NULL ORDER BY id FOR UPDATE SKIP LOCKED)

-- name: lost_answers
-- The time of these answers is over, and nobody has received them.
SELECT id, name, key, variables, message_id, published, expires, correlated, node, record
FROM message WHERE record IS NOT NULL AND expires <= :now ORDER BY expires, id LIMIT :limit

-- name: letters_due
-- Records that are to be tried again.
SELECT id, topic, partition, "offset", key, headers, value, published, at, attempts, due, state, instance, title, detail, closed,
    closed_by
FROM letter WHERE state = 'waiting' AND due <= :now ORDER BY due, id LIMIT :limit

-- name: hold_role
-- The role is the caller's, if it was, or if nobody has it (any more).
INSERT INTO role AS r (name, holder, until) VALUES (:role, :holder, :until)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE r.holder = excluded.holder OR r.until <= :now

-- name: release_role
-- Whoever comes next may have it.
DELETE FROM role WHERE name = :role AND holder = :holder


-- == 4 definitions ====================================================================================================

-- name: add_definition
-- One version of a process definition.
INSERT INTO definition (id, name, version, title, state, digest, file, data, deployed, deployed_by)
VALUES (:id, :name, :version, :title, :state, :digest, :file, :data, :deployed, :deployed_by)

-- name: add_form
-- A form of a definition.
INSERT INTO form (definition, key, data) VALUES (:definition, :key, :data)

-- name: definitions_change
-- Tell everybody that holds compiled definitions. First of all, so that two nodes change them one after the other.
UPDATE revision SET definitions = definitions + 1 RETURNING definitions

-- name: definitions_changed
-- How often the definitions have changed.
SELECT definitions FROM revision

-- name: retire_published
-- The published version of the same name makes way.
UPDATE definition SET state = 'deprecated'
WHERE name = (SELECT name FROM definition WHERE id = :definition) AND state = 'published' AND id <> :definition

-- name: end_start_timers
-- Only the published version of a name is started by its timers.
DELETE FROM start_timer
WHERE definition IN (
    SELECT id FROM definition WHERE name = (SELECT name FROM definition WHERE id = :definition))

-- name: end_start_subscriptions
-- Only the published version of a name is started by messages.
DELETE FROM start_subscription
WHERE definition IN (
    SELECT id FROM definition WHERE name = (SELECT name FROM definition WHERE id = :definition))

-- name: set_definition_state
-- Published or deprecated.
UPDATE definition SET state = :state WHERE id = :definition

-- name: put_start_timer
-- When a definition is started next.
INSERT INTO start_timer (id, definition, node, due, kind, rule, zone, number, anchor)
VALUES (:id, :definition, :node, :due, :kind, :rule, :zone, :number, :anchor)
ON CONFLICT (id) DO UPDATE SET
    definition = excluded.definition, node = excluded.node, due = excluded.due, kind = excluded.kind,
    rule = excluded.rule, zone = excluded.zone, number = excluded.number, anchor = excluded.anchor

-- name: add_start_subscription
-- A message that starts a definition.
INSERT INTO start_subscription (definition, process, node, name) VALUES (:definition, :process, :node, :name)
ON CONFLICT (name, definition, node) DO UPDATE SET process = excluded.process

-- name: remove_start_timers
-- The timers of one deprecated definition.
DELETE FROM start_timer WHERE definition = :definition

-- name: remove_start_subscriptions
-- The messages of one deprecated definition.
DELETE FROM start_subscription WHERE definition = :definition

-- name: add_audit
-- What somebody did that is not in the history of one instance.
INSERT INTO audit (id, at, actor, subject, event, identifier, status, detail)
VALUES (:id, :at, :actor, :subject, :event, :identifier, :status, :detail)

-- name: definition
-- One version, with its file.
SELECT id, name, version, title, state, digest, file, data, deployed, deployed_by FROM definition WHERE id = :definition

-- name: forms
-- The forms of one version, by key.
SELECT definition, key, data FROM form WHERE definition = :definition ORDER BY key

-- name: form
-- One of them.
SELECT definition, key, data FROM form WHERE definition = :definition AND key = :key

-- name: definitions
-- By name, newest version first, without the files.
SELECT id, name, version, title, state, digest, file, ''::bytea AS data, deployed, deployed_by
FROM definition
WHERE true
    AND name = :name              -- if name
    AND state = ANY (:states)     -- if states
ORDER BY name, version DESC


-- == 5 queries ========================================================================================================

-- name: instances
-- Newest first. What selects few (a key, a parent, incidents) is looked up, and the rest is checked. Otherwise the index by name
-- and status is walked: once for each status, so that it gives the order.
SELECT i.id, i.definition, i.name, i.version, i.status, i.position, i.business_key, i.started_by, i.started, i.ended,
       i.parent, i.parent_token, i.root, i.next_token, i.next_order, i.steps, i.ready, i.incidents
FROM instance AS i
WHERE true
    AND i.id < :before                                                                   -- if before
    AND i.business_key = :business_key                                                   -- if business_key
    AND i.parent = :parent                                                               -- if parent
    AND (i.root = :root AND i.parent IS NOT NULL OR i.id = :root AND i.root = :root)     -- if root
    AND i.incidents > 0                                                                  -- if incidents
    AND i.incidents = 0                                                                  -- if no_incidents
    AND i.name = :definition                                                             -- if walk_name
    AND i.status = :status                                                               -- if walk_status
    AND i.status <> 'FINISHED'                                                           -- if walk_unfinished
    AND i.name = :definition                                                             -- if check_name
    AND i.status = ANY (:statuses)                                                       -- if check_statuses
    AND i.started_by = :started_by                                                       -- if started_by
    AND i.version = :version                                                             -- if version
    AND i.started >= :started_after                                                      -- if started_after
    AND i.started < :started_before                                                      -- if started_before
    AND i.ended IS NULL                                                                  -- if node
    AND EXISTS (SELECT 1 FROM token AS t WHERE t.instance = i.id AND t.node = :node)     -- if node
    AND (lower(i.name) LIKE lower(:text COLLATE "C") ESCAPE '\'                          -- if text
         OR lower(i.business_key) LIKE lower(:text COLLATE "C") ESCAPE '\'               -- if text
         OR i.id::text LIKE :text ESCAPE '\')                                            -- if text
    AND NOT EXISTS (SELECT 1 FROM unnest(:names::text[], :variables::text[]) AS w (name, condition) -- if variables
                    WHERE NOT EXISTS (SELECT 1 FROM variable AS v                        -- if variables
                                      WHERE v.instance = i.id AND v.scope = 0            -- if variables
                                          AND v.name = w.name                            -- if variables
                                          AND matches(v.value, w.condition)))            -- if variables
ORDER BY i.id DESC
LIMIT :limit

-- name: history
-- What happened in one instance, oldest first.
SELECT instance, position, at, actor, command, reason, events
FROM history WHERE instance = :instance AND position > :after ORDER BY position LIMIT :limit

-- name: recent_history
-- What happened lately, in the order of the commits, newest first.
SELECT instance, position, at, actor, command, reason, events
FROM history
WHERE true
    AND number < (SELECT min(number) FROM history                                        -- if before
                  WHERE instance = :instance AND at = :at AND position >= :position)     -- if before
ORDER BY number DESC
LIMIT :limit

-- name: history_after
-- What happened since, in the order of the commits. A transaction that began earlier and is not done yet may still bring rows
-- before those that are there: they are told once it is done.
SELECT number, instance, position, at, actor, command, reason, events
FROM history
WHERE number > :number
    AND number < (SELECT base + (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 20) FROM revision)
ORDER BY number LIMIT :limit

-- name: history_number
-- The place of a position in the order of the commits.
SELECT number FROM history WHERE instance = :instance AND position = :position

-- name: last_history
-- The latest row of which all before it are there.
SELECT coalesce(max(number), 0) FROM history
WHERE number < (SELECT base + (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 20) FROM revision)

-- name: is_long
-- Whether more than so many rows of history follow.
SELECT EXISTS (SELECT 1 FROM history WHERE number > :number ORDER BY number OFFSET :rows LIMIT 1)

-- name: instance_heads
-- Instances without what is in them.
SELECT id, definition, name, version, status, position, business_key, started_by, started, ended,
    parent, parent_token, root, next_token, next_order, steps, ready, incidents
FROM instance WHERE id = ANY (:ids) ORDER BY id

-- name: places
-- Where the tokens of some instances are, and how many on each node no child token runs for.
SELECT t.instance, t.node,
    count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM token AS c WHERE c.instance = t.instance AND c.parent = t.id))
FROM token AS t
WHERE t.instance = ANY (:ids)
GROUP BY t.instance, t.node
ORDER BY t.instance, t.node

-- name: tasks
-- User tasks, newest first or by due date, each with where its instance is at this moment, and whose that is.
SELECT t.id, t.instance, t.token, t.process, t.node, t.name, t.lane, t.assignee, t.groups, t.users, t.created, t.due,
    t.follow_up, t.priority, t.form, t.definition, i.position, i.status, i.version, i.business_key, i.started_by, i.started
FROM task AS t
JOIN instance AS i ON i.id = t.instance
WHERE true
    AND t.id < :before            -- if before
    AND t.instance = :instance    -- if instance
    AND t.process = :definition   -- if definition
    AND t.node = :node            -- if node
    AND t.assignee = :assignee    -- if assignee
    AND t.assignee IS NULL        -- if free
    AND t.due IS NULL             -- if undated
    AND t.due IS NOT NULL         -- if soonest
    AND t.due >= :after AND (t.due > :after OR t.id < :after_id)  -- if after
ORDER BY
    t.due,                        -- if soonest
    t.id DESC
LIMIT :limit

-- name: task
-- One user task, in the same way.
SELECT t.id, t.instance, t.token, t.process, t.node, t.name, t.lane, t.assignee, t.groups, t.users, t.created, t.due,
    t.follow_up, t.priority, t.form, t.definition, i.position, i.status, i.version, i.business_key, i.started_by, i.started
FROM task AS t
JOIN instance AS i ON i.id = t.instance
WHERE t.id = :task

-- name: job
-- One job, with its lease.
SELECT id, instance, token, node, type, retries, headers, created, due, fence, worker, deadline FROM job WHERE id = :job

-- name: incidents
-- Incidents, newest first, each with the position and the status of its instance at this moment.
SELECT n.id, n.instance, n.process, n.token, n.node, n.source, n.type, n.cause, n.message, n.details, n.raised, n.job,
    n.resolved, i.position, i.status
FROM incident AS n
JOIN instance AS i ON i.id = n.instance
WHERE true
    AND n.id < :before            -- if before
    AND n.instance = :instance    -- if instance
    AND n.resolved IS NULL        -- if open
ORDER BY n.id DESC
LIMIT :limit

-- name: messages
-- Buffered messages, newest first.
SELECT id, name, key, variables, message_id, published, expires, correlated, node, record
FROM message
WHERE true
    AND name = :name            -- if name
ORDER BY id DESC
LIMIT :limit

-- name: subscriptions
-- Messages that are waited for, newest first.
SELECT id, instance, token, process, node, name, key
FROM subscription
WHERE true
    AND name = :name            -- if name
ORDER BY id DESC
LIMIT :limit

-- name: failed_starts
-- Starts that were refused or broke, newest first.
SELECT id, process, at, actor, status, title, detail, data, start_condition, business_key
FROM failed_start
WHERE true
    AND id < :before            -- if before
ORDER BY id DESC
LIMIT :limit

-- name: audit
-- What was done that is not in the history of one instance, newest first.
SELECT id, at, actor, subject, event, identifier, status, detail
FROM audit
WHERE true
    AND id < :before            -- if before
ORDER BY id DESC
LIMIT :limit

-- name: outbox
-- Records that wait to be published. By their numbers, or ids where they were there before there were numbers.
SELECT coalesce(number, id), id, instance, topic, key, headers, value, created
FROM outbox
WHERE true
    AND topic = ANY (:topics)   -- if topics
    AND topic <> ALL (:without)   -- if without
ORDER BY coalesce(number, id)
LIMIT :limit

-- name: unpublished
-- Those of some records that wait to be published.
SELECT id FROM outbox WHERE id = ANY (:records)

-- name: topic_backlog
-- What waits of each topic: records to be published, and those that could not be handled.
SELECT topic, sum(records)::bigint, min(since), sum(letters)::bigint
FROM (SELECT topic, count(*) AS records, min(created) AS since, 0 AS letters FROM outbox GROUP BY topic
      UNION ALL SELECT topic, 0, NULL, count(*) FROM letter WHERE state = 'dead' GROUP BY topic) AS waiting
GROUP BY topic ORDER BY topic COLLATE "C"

-- name: positions
-- How far a group is.
SELECT "group", topic, partition, next FROM position WHERE "group" = :group ORDER BY topic, partition

-- name: letters
-- Records that could not be handled, newest first.
SELECT id, topic, partition, "offset", key, headers, value, published, at, attempts, due, state, instance, title, detail, closed,
    closed_by
FROM letter
WHERE true
    AND state = :state          -- if state
    AND instance = :instance    -- if instance
    AND id < :before            -- if before
ORDER BY id DESC
LIMIT :limit

-- name: stuck
-- Live instances that wait for nothing: no person, no worker, no moment, no message, no child, no repair. The expiry of
-- an instance (a timer without a token) is not a wait: it ends what is stuck, and does not help it.
SELECT i.id
FROM instance AS i
WHERE i.status IN ('CREATED', 'STARTED') AND i.status <> 'FINISHED' AND i.ready = 0
    AND NOT EXISTS (SELECT 1 FROM job AS w WHERE w.instance = i.id)
    AND NOT EXISTS (SELECT 1 FROM task AS w WHERE w.instance = i.id)
    AND NOT EXISTS (SELECT 1 FROM timer AS w WHERE w.instance = i.id AND w.token <> 0)
    AND NOT EXISTS (SELECT 1 FROM subscription AS w WHERE w.instance = i.id)
    AND NOT EXISTS (SELECT 1 FROM call AS w WHERE w.instance = i.id)
    AND NOT EXISTS (SELECT 1 FROM incident AS w WHERE w.instance = i.id AND w.resolved IS NULL)
ORDER BY i.id
LIMIT :limit

-- name: live_totals
-- Live instances by status, in the index of those that have not finished.
SELECT status, count(*) FROM instance
WHERE status IN ('CREATED', 'STARTED', 'ON_HOLD') AND status <> 'FINISHED'
GROUP BY status

-- name: waiting_totals
-- What they wait for.
SELECT (SELECT count(*) FROM task), (SELECT count(*) FROM job), (SELECT count(*) FROM timer),
    (SELECT count(*) FROM incident WHERE resolved IS NULL)

-- name: backlog
-- What could be done at a moment and is not. The first record is the oldest.
SELECT j.number, j.since, t.number + s.number, r.number,
    (SELECT created FROM outbox ORDER BY coalesce(number, id) LIMIT 1), l.number
FROM (SELECT count(*) AS number, min(available) AS since FROM job
      WHERE retries > 0 AND held = 0 AND available <= :now) AS j,
    (SELECT count(*) AS number FROM timer WHERE held = 0 AND due <= :now) AS t,
    (SELECT count(*) AS number FROM start_timer WHERE due <= :now) AS s,
    (SELECT count(*) AS number FROM outbox) AS r,
    (SELECT count(*) AS number FROM letter WHERE state = 'dead') AS l

-- name: counts
-- How many rows each table has.
SELECT 'instance', count(*) FROM instance
UNION ALL SELECT 'token', count(*) FROM token
UNION ALL SELECT 'variable', count(*) FROM variable
UNION ALL SELECT 'loop', count(*) FROM loop
UNION ALL SELECT 'output', count(*) FROM output
UNION ALL SELECT 'kept', count(*) FROM kept
UNION ALL SELECT 'job', count(*) FROM job
UNION ALL SELECT 'task', count(*) FROM task
UNION ALL SELECT 'timer', count(*) FROM timer
UNION ALL SELECT 'subscription', count(*) FROM subscription
UNION ALL SELECT 'call', count(*) FROM call
UNION ALL SELECT 'incident', count(*) FROM incident
UNION ALL SELECT 'history', count(*) FROM history
UNION ALL SELECT 'message', count(*) FROM message
UNION ALL SELECT 'outbox', count(*) FROM outbox
UNION ALL SELECT 'position', count(*) FROM position
UNION ALL SELECT 'letter', count(*) FROM letter
UNION ALL SELECT 'role', count(*) FROM role
UNION ALL SELECT 'inbox', count(*) FROM inbox
UNION ALL SELECT 'failed_start', count(*) FROM failed_start
UNION ALL SELECT 'audit', count(*) FROM audit
UNION ALL SELECT 'definition', count(*) FROM definition
UNION ALL SELECT 'form', count(*) FROM form
UNION ALL SELECT 'start_timer', count(*) FROM start_timer
UNION ALL SELECT 'start_subscription', count(*) FROM start_subscription
UNION ALL SELECT 'user', count(*) FROM "user"
UNION ALL SELECT 'session', count(*) FROM session
UNION ALL SELECT 'draft', count(*) FROM draft

-- name: put_draft
-- What somebody has typed for a task, as long as the task is there: one that is being done at this moment is waited for.
INSERT INTO draft (task, "user", data, saved)
SELECT t.id, :user, :data, :saved FROM (SELECT id FROM task WHERE id = :task FOR KEY SHARE) AS t
ON CONFLICT (task, "user") DO UPDATE SET data = excluded.data, saved = excluded.saved

-- name: draft
-- What somebody has typed for a task.
SELECT task, "user", data, saved FROM draft WHERE task = :task AND "user" = :user

-- name: remove_draft
-- It is not wanted any more.
DELETE FROM draft WHERE task = :task AND "user" = :user


-- == 6 users and their sessions =======================================================================================

-- name: put_user
-- A user, or a new password or new roles.
INSERT INTO "user" (name, password, roles, created) VALUES (:name, :password, :roles, :created)
ON CONFLICT (name) DO UPDATE SET password = excluded.password, roles = excluded.roles, created = excluded.created

-- name: remove_user
-- The user cannot log in any more.
DELETE FROM "user" WHERE name = :name

-- name: user
-- One of them.
SELECT name, password, roles, created FROM "user" WHERE name = :name

-- name: users
-- Everybody, or those of these names; by name.
SELECT name, password, roles, created FROM "user"
WHERE true
    AND name = ANY (:names)     -- if names
ORDER BY name

-- name: end_sessions
-- There is a new password: whoever logged in with the old one has to do so again.
DELETE FROM session WHERE "user" = :user AND stamp <> :stamp

-- name: put_session
-- Somebody logged in.
INSERT INTO session (id, "user", stamp, csrf, created, expires) VALUES (:id, :user, :stamp, :csrf, :created, :expires)
ON CONFLICT (id) DO UPDATE SET
    "user" = excluded."user", stamp = excluded.stamp, csrf = excluded.csrf, created = excluded.created,
    expires = excluded.expires

-- name: session
-- Who a cookie is of.
SELECT id, "user", stamp, csrf, created, expires FROM session WHERE id = :id

-- name: sessions
-- Which of these are still there.
SELECT id, "user", stamp, csrf, created, expires FROM session WHERE id = ANY (:ids) ORDER BY id

-- name: remove_session
-- Somebody logged out.
DELETE FROM session WHERE id = :id

-- name: remove_sessions
-- The user has to log in again everywhere.
DELETE FROM session WHERE "user" = :user

-- name: expire_sessions
-- Those that are over.
DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires <= :now ORDER BY id FOR UPDATE SKIP LOCKED)

-- name: remove_drafts_of
-- The user is not there any more.
DELETE FROM draft WHERE "user" = :user
