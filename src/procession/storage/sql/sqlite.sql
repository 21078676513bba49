-- Every statement that the SQLite store runs, by name. Columns stand in the order of the rows in storage/__init__.py.
--
--   1 the file        2 a batch: writes    3 a batch: reads    4 what time has come for
--   5 definitions     6 queries            7 users and their sessions
--
-- `?` takes one value of a row; `carray(?)` is a table of many ids or names in one parameter. A line that ends in
-- `-- if WORD` is left out unless a caller asks for that word.


-- == 1 the file =======================================================================================================

-- name: connect_writer
-- Durable once committed, also when the power goes. The log is copied back every 16 MiB; the file is never mapped into
-- memory, so that an error of the disk is an error of ours and not the end of the process.
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA journal_size_limit = 67108864;
PRAGMA cache_size = -32000;
PRAGMA temp_store = MEMORY;
PRAGMA mmap_size = 0

-- name: connect_reader
-- Queries see what is committed, wait for nobody, and change nothing.
PRAGMA query_only = 1;
PRAGMA cache_size = -8000;
PRAGMA temp_store = MEMORY;
PRAGMA mmap_size = 0

-- name: begin_exclusive
-- Nobody else may look while the schema changes.
BEGIN EXCLUSIVE

-- name: tables
-- What tables there are: a file that has some, but no `migration`, belongs to another program.
SELECT name FROM sqlite_schema WHERE type = 'table'

-- name: create_migration
-- Which schema the file has.
CREATE TABLE IF NOT EXISTS migration (
    version   INTEGER PRIMARY KEY,
    name      TEXT NOT NULL,
    checksum  TEXT NOT NULL,
    applied   INTEGER NOT NULL
) STRICT

-- name: migrations
-- What the file has been through.
SELECT version, name, checksum FROM migration ORDER BY version

-- name: add_migration
-- The file has been through this one as well.
INSERT INTO migration (version, name, checksum, applied)
VALUES (?, ?, ?, CAST(unixepoch('now', 'subsec') * 1000000 AS INTEGER))


-- == 2 a batch: writes ================================================================================================

-- name: begin
-- Take the write lock now, so that nothing read afterwards can be out of date.
BEGIN IMMEDIATE

-- name: commit
-- Make it durable: WAL and synchronous=FULL flush the log to the disk.
COMMIT

-- name: rollback
-- Nothing of it happened.
ROLLBACK

-- name: stand_of
-- What the instances of a batch are before it: does anything of them have to change that an index is made of?
SELECT id, position, status, name, business_key FROM instance WHERE id IN carray(?)

-- name: hold_jobs
-- The jobs of instances that are on hold are not handed out.
UPDATE job SET held = 1 WHERE held = 0 AND instance IN carray(?)

-- name: hold_timers
-- The timers of instances that are on hold do not come due.
UPDATE timer SET held = 1 WHERE held = 0 AND instance IN carray(?)

-- name: release_jobs
-- The instances go on, and so do their jobs.
UPDATE job SET held = 0 WHERE held = 1 AND instance IN carray(?)

-- name: release_timers
-- The instances go on, and so do their timers; those that are late are due at once.
UPDATE timer SET held = 0 WHERE held = 1 AND instance IN carray(?)

-- name: add_instance
-- A new instance.
INSERT INTO instance
    (id, definition, name, version, status, position, business_key, started_by, started, ended, parent, parent_token,
     root, next_token, next_order, steps, ready, incidents)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: step_instance
-- What most transactions change: nothing that an index is made of, so that only one page is written.
UPDATE instance
SET definition = ?2, version = ?4, position = ?6, started_by = ?8, started = ?9, ended = ?10, parent_token = ?12,
    next_token = ?14, next_order = ?15, steps = ?16, ready = ?17, incidents = ?18
WHERE id = ?1

-- name: change_instance
-- The whole row.
UPDATE instance
SET definition = ?2, name = ?3, version = ?4, status = ?5, position = ?6, business_key = ?7, started_by = ?8,
    started = ?9, ended = ?10, parent = ?11, parent_token = ?12, root = ?13, next_token = ?14, next_order = ?15,
    steps = ?16, ready = ?17, incidents = ?18
WHERE id = ?1

-- name: add_history
-- One transaction of one instance.
INSERT INTO history (instance, position, at, actor, command, reason, events) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: put_token
-- A live token.
INSERT OR REPLACE INTO token
    (instance, id, parent, scope, node, start_node, flow, state, status, version, updated, holding, count, finished,
     joined, item)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: remove_token
-- The token ended.
DELETE FROM token WHERE instance = ? AND id = ?

-- name: put_variable
-- One name of one scope.
INSERT OR REPLACE INTO variable (instance, scope, name, value) VALUES (?, ?, ?, ?)

-- name: remove_variable
-- The name is not there any more.
DELETE FROM variable WHERE instance = ? AND scope = ? AND name = ?

-- name: remove_scope
-- The scope ended, with all its variables.
DELETE FROM variable WHERE instance = ? AND scope = ?

-- name: put_loop
-- What a multi-instance body runs over.
INSERT OR REPLACE INTO loop (instance, token, items) VALUES (?, ?, ?)

-- name: remove_loop
-- The loop ended.
DELETE FROM loop WHERE instance = ? AND token = ?

-- name: put_output
-- What one turn of a loop gave.
INSERT OR REPLACE INTO output (instance, token, "index", value) VALUES (?, ?, ?, ?)

-- name: remove_outputs
-- The loop ended, and its outputs were collected.
DELETE FROM output WHERE instance = ? AND token = ?

-- name: put_kept
-- A command that came while the instance was on hold.
INSERT OR REPLACE INTO kept (instance, number, command) VALUES (?, ?, ?)

-- name: remove_kept
-- The instance went on, and did what was kept.
DELETE FROM kept WHERE instance = ?

-- name: put_job
-- A job. One that is there already loses its lease and keeps its fencing number. If its id is another instance's, the owner
-- becomes NULL, which the column refuses: nobody's row is overwritten.
INSERT INTO job
    (id, instance, token, node, type, retries, headers, created, due)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    instance = CASE job.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
    node = excluded.node, type = excluded.type, retries = excluded.retries, headers = excluded.headers,
    created = excluded.created, due = excluded.due, worker = NULL,
    deadline = 0, held = 0

-- name: has_fence
-- Whether a job is still with whoever it was handed out to under that number.
SELECT 1 FROM job WHERE id = ? AND fence = ?

-- name: find_fences
-- The numbers under which jobs were handed out last.
SELECT id, fence FROM job WHERE id IN carray(?)

-- name: remove_job
-- The job is done, or not wanted any more.
DELETE FROM job WHERE id = ?

-- name: put_task
-- A user task.
INSERT INTO task
    (id, instance, token, process, node, name, lane, assignee, groups, users, created, due, follow_up, priority,
    form, definition)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    instance = CASE task.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
    process = excluded.process, node = excluded.node, name = excluded.name, lane = excluded.lane,
    assignee = excluded.assignee, groups = excluded.groups, users = excluded.users, created = excluded.created,
    due = excluded.due, follow_up = excluded.follow_up, priority = excluded.priority, form = excluded.form,
    definition = excluded.definition

-- name: remove_task
-- The task is done, or not wanted any more.
DELETE FROM task WHERE id = ?

-- name: remove_drafts
-- What was typed for a task that is done.
DELETE FROM draft WHERE task = ?

-- name: put_timer
-- A moment that is waited for.
INSERT INTO timer
    (id, instance, token, node, due, kind, rule, zone, number, anchor)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    instance = CASE timer.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
    node = excluded.node, due = excluded.due, kind = excluded.kind, rule = excluded.rule, zone = excluded.zone,
    number = excluded.number, anchor = excluded.anchor, held = 0

-- name: remove_timer
-- The moment came, or is not waited for any more.
DELETE FROM timer WHERE id = ?

-- name: put_subscription
-- A message that is waited for.
INSERT INTO subscription
    (id, instance, token, process, node, name, key)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    instance = CASE subscription.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
    process = excluded.process, node = excluded.node, name = excluded.name, key = excluded.key

-- name: remove_subscription
-- The message came, or is not waited for any more.
DELETE FROM subscription WHERE id = ?

-- name: put_call
-- A child instance that is waited for.
INSERT INTO call
    (id, instance, token, node, process)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    instance = CASE call.instance WHEN excluded.instance THEN excluded.instance END, token = excluded.token,
    node = excluded.node, process = excluded.process

-- name: remove_call
-- The child ended, or is not waited for any more.
DELETE FROM call WHERE id = ?

-- name: put_incident
-- Why a token cannot go on.
INSERT INTO incident
    (id, instance, process, token, node, source, type, cause, message, details, raised, job, resolved)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    instance = CASE incident.instance WHEN excluded.instance THEN excluded.instance END, process = excluded.process,
    token = excluded.token, node = excluded.node, source = excluded.source, type = excluded.type,
    cause = excluded.cause, message = excluded.message, details = excluded.details, raised = excluded.raised,
    job = excluded.job, resolved = excluded.resolved

-- name: resolve_incident
-- The incident is over; its row stays.
UPDATE incident SET resolved = ? WHERE id = ?

-- name: put_message
-- A buffered message.
INSERT OR REPLACE INTO message (id, name, key, variables, message_id, published, expires, correlated, node, record)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: remove_message
-- Nobody can receive the message any more.
DELETE FROM message WHERE id = ?

-- name: add_outbox
-- A record to publish.
INSERT INTO outbox (id, instance, topic, key, headers, value, created) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: remove_outbox
-- The record is out.
DELETE FROM outbox WHERE number = ?

-- name: add_position
-- A group has taken its first records of a partition.
INSERT INTO position ("group", topic, partition, next) VALUES (:group, :topic, :partition, :next)

-- name: move_position
-- A group has taken more of a partition, if nobody has since it was read.
UPDATE position SET next = :next
WHERE "group" = :group AND topic = :topic AND partition = :partition AND next = :read

-- name: put_letter
-- A record that could not be handled.
INSERT OR REPLACE INTO letter
    (id, topic, partition, "offset", key, headers, value, published, at, attempts, due, state, instance, title, detail,
     closed, closed_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: remove_letter
-- Nobody asks for it any more.
DELETE FROM letter WHERE id = ?

-- name: add_inbox
-- What was taken in, once.
INSERT INTO inbox (key, at, result) VALUES (?, ?, ?)

-- name: add_failed_start
-- A start that was refused or broke.
INSERT INTO failed_start (id, process, at, actor, status, title, detail, data, start_condition, business_key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: add_audit
-- What somebody did that is not in the history of one instance.
INSERT INTO audit (id, at, actor, subject, event, identifier, status, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: put_start_timer
-- When a definition is started next.
INSERT OR REPLACE INTO start_timer (id, definition, node, due, kind, rule, zone, number, anchor)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: remove_start_timer
-- The timer does not start the definition any more.
DELETE FROM start_timer WHERE id = ?


-- == 3 a batch: reads =================================================================================================

-- name: snapshot
-- Several statements that see one state of the store; ends with `commit`.
BEGIN DEFERRED

-- name: data_version
-- Another number than last time: another connection has written.
PRAGMA data_version

-- name: find_jobs
-- Whose the jobs are, and their leases.
SELECT id, instance, fence, worker, deadline FROM job WHERE id IN carray(?)

-- name: find_tasks
-- Whose the tasks are.
SELECT id, instance FROM task WHERE id IN carray(?)

-- name: find_timers
-- Whose the timers are.
SELECT id, instance FROM timer WHERE id IN carray(?)

-- name: find_inbox
-- What came of what was taken in already.
SELECT key, result FROM inbox WHERE key IN carray(?)

-- name: find_subscriptions
-- Who waits for messages with these names and keys, and the status of the instance that does.
SELECT s.id, s.instance, s.token, s.process, s.node, s.name, s.key, i.status
FROM json_each(?) AS asked
CROSS JOIN subscription AS s ON s.name = asked.value ->> 0 AND s.key = asked.value ->> 1
JOIN instance AS i ON i.id = s.instance

-- name: find_subscriptions_by_name
-- The same for messages without a key: they are for everybody who waits for the name.
SELECT s.id, s.instance, s.token, s.process, s.node, s.name, s.key, i.status
FROM subscription AS s
JOIN instance AS i ON i.id = s.instance
WHERE s.name IN carray(?)

-- name: find_starts
-- What these messages start.
SELECT definition, process, node, name FROM start_subscription WHERE name IN carray(?) ORDER BY name, definition, node

-- name: find_buffered
-- What has come already. A message without a key is for everybody.
SELECT m.id, m.name, m.key, m.variables, m.message_id, m.published, m.expires, m.correlated, m.node, m.record
FROM json_each(?1) AS asked
CROSS JOIN message AS m ON m.name = asked.value ->> 0 AND m.key = asked.value ->> 1
UNION
SELECT m.id, m.name, m.key, m.variables, m.message_id, m.published, m.expires, m.correlated, m.node, m.record
FROM json_each(?1) AS asked
CROSS JOIN message AS m ON m.name = asked.value ->> 0 AND m.key IS NULL
ORDER BY 1

-- name: find_children
-- The children that are still running, and their statuses.
SELECT parent, id, status FROM instance WHERE parent IN carray(?) AND ended IS NULL ORDER BY parent, id

-- name: find_positions
-- How far groups have taken in partitions.
SELECT p."group", p.topic, p.partition, p.next
FROM json_each(?) AS asked
CROSS JOIN position AS p
    ON p."group" = asked.value ->> 0 AND p.topic = asked.value ->> 1 AND p.partition = asked.value ->> 2

-- name: find_letters
-- Records that could not be handled.
SELECT id, topic, partition, "offset", key, headers, value, published, at, attempts, due, state, instance, title, detail, closed,
    closed_by
FROM letter WHERE id IN carray(?)

-- name: load_instances
-- The instances themselves.
SELECT id, definition, name, version, status, position, business_key, started_by, started, ended, parent, parent_token,
       root, next_token, next_order, steps, ready, incidents
FROM instance WHERE id IN carray(?)

-- name: load_tokens
-- The live tokens of instances.
SELECT instance, id, parent, scope, node, start_node, flow, state, status, version, updated, holding, count, finished,
       joined, item
FROM token WHERE instance IN carray(?) ORDER BY instance, id

-- name: load_variables
-- The variables of instances, in all their scopes.
SELECT instance, scope, name, value FROM variable WHERE instance IN carray(?) ORDER BY instance, scope, name

-- name: load_loops
-- What the multi-instance bodies of instances run over.
SELECT instance, token, items FROM loop WHERE instance IN carray(?) ORDER BY instance, token

-- name: load_outputs
-- What the turns of loops gave so far.
SELECT instance, token, "index", value FROM output WHERE instance IN carray(?) ORDER BY instance, token, "index"

-- name: load_kept
-- The commands that came while instances were on hold.
SELECT instance, number, command FROM kept WHERE instance IN carray(?) ORDER BY instance, number

-- name: load_jobs
-- The jobs of instances.
SELECT id, instance, token, node, type, retries, headers, created, due
FROM job WHERE instance IN carray(?) ORDER BY instance, id

-- name: load_tasks
-- The user tasks of instances.
SELECT id, instance, token, process, node, name, lane, assignee, groups, users, created, due, follow_up, priority, form,
    definition
FROM task WHERE instance IN carray(?) ORDER BY instance, id

-- name: load_timers
-- The timers of instances.
SELECT id, instance, token, node, due, kind, rule, zone, number, anchor
FROM timer WHERE instance IN carray(?) ORDER BY instance, id

-- name: load_subscriptions
-- The messages that instances wait for.
SELECT id, instance, token, process, node, name, key FROM subscription WHERE instance IN carray(?) ORDER BY instance, id

-- name: load_calls
-- The children that instances wait for.
SELECT id, instance, token, node, process FROM call WHERE instance IN carray(?) ORDER BY instance, id

-- name: load_incidents
-- The open incidents of instances.
SELECT id, instance, process, token, node, source, type, cause, message, details, raised, job, resolved
FROM incident WHERE instance IN carray(?) AND resolved IS NULL ORDER BY instance, id

-- name: moved_instances
-- Where the instances are now: to say which of them made a batch fail.
SELECT id, position FROM instance WHERE id IN carray(?)


-- == 4 what time has come for =========================================================================================

-- name: lease_jobs
-- Hand out the jobs of a type that have waited longest.
UPDATE job SET fence = fence + 1, worker = :worker, deadline = :deadline
WHERE id IN (
    SELECT id FROM job
    WHERE type = :type AND available <= :now AND retries > 0 AND held = 0
    ORDER BY available, id
    LIMIT :limit)
RETURNING id, instance, token, node, type, retries, headers, created, due, fence, worker, deadline

-- name: extend_lease
-- Only while the lease lasts: afterwards another worker may have the job.
UPDATE job SET deadline = :deadline WHERE id = :job AND fence = :fence AND deadline > :now

-- name: release_lease
-- Give the job back.
UPDATE job SET worker = NULL, deadline = 0 WHERE id = :job AND fence = :fence AND deadline > 0

-- name: due_timers
-- The timers that are due, the latest first to be late first.
SELECT id, instance, token, node, due, kind, rule, zone, number, anchor
FROM timer WHERE due <= ? AND held = 0 ORDER BY due, id LIMIT ?

-- name: due_starts
-- The definitions that are to be started.
SELECT id, definition, node, due, kind, rule, zone, number, anchor
FROM start_timer WHERE due <= ? ORDER BY due, id LIMIT ?

-- name: next_due
-- The next moment that anything is due.
SELECT min(due) FROM (
    SELECT min(due) AS due FROM timer WHERE held = 0
    UNION ALL
    SELECT min(due) FROM start_timer)

-- name: ready
-- The instances that can go on by themselves.
SELECT i.id FROM instance AS i
WHERE i.ready = 1 AND i.status <> 'ON_HOLD'
    AND NOT EXISTS (SELECT 1 FROM history AS h                                                      -- if since
                    WHERE h.instance = i.id AND h.position = i.position AND h.at > :since)          -- if since
ORDER BY i.id
LIMIT :limit

-- name: overlooked
-- Buffered messages that somebody waits for, or that start a process: another process began to wait at the moment they came.
SELECT m.id, m.name, m.key FROM message AS m
WHERE m.id > ?
    AND (EXISTS (SELECT 1 FROM subscription AS s WHERE s.name = m.name AND (m.key IS NULL OR s.key = m.key))
        OR EXISTS (SELECT 1 FROM start_subscription AS s WHERE s.name = m.name))
ORDER BY m.id
LIMIT ?

-- name: expire_messages
-- The time of these messages is over.
DELETE FROM message WHERE expires <= ? AND record IS NULL

-- name: lost_answers
-- The time of these answers is over, and nobody has received them.
SELECT id, name, key, variables, message_id, published, expires, correlated, node, record
FROM message WHERE record IS NOT NULL AND expires <= ? ORDER BY expires, id LIMIT ?

-- name: letters_due
-- Records that are to be tried again.
SELECT id, topic, partition, "offset", key, headers, value, published, at, attempts, due, state, instance, title, detail, closed,
    closed_by
FROM letter INDEXED BY letter_due WHERE state = 'waiting' AND due <= ? ORDER BY due, id LIMIT ?

-- name: hold_role
-- The role is the caller's, if it was, or if nobody has it (any more).
INSERT INTO role (name, holder, until) VALUES (:role, :holder, :until)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE role.holder = excluded.holder OR role.until <= :now

-- name: release_role
-- Whoever comes next may have it.
DELETE FROM role WHERE name = ? AND holder = ?


-- == 5 definitions ====================================================================================================

-- name: add_definition
-- One version of a process definition.
INSERT INTO definition (id, name, version, title, state, digest, file, data, deployed, deployed_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: add_form
-- A form of a definition.
INSERT INTO form (definition, key, data) VALUES (?, ?, ?)

-- name: definitions_change
-- Tell everybody that holds compiled definitions.
UPDATE revision SET definitions = definitions + 1

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

-- name: add_start_subscription
-- A message that starts a definition.
INSERT OR REPLACE INTO start_subscription (definition, process, node, name) VALUES (?, ?, ?, ?)

-- name: remove_start_timers
-- The timers of one deprecated definition.
DELETE FROM start_timer WHERE definition = ?

-- name: remove_start_subscriptions
-- The messages of one deprecated definition.
DELETE FROM start_subscription WHERE definition = ?

-- name: definition
-- One version, with its file.
SELECT id, name, version, title, state, digest, file, data, deployed, deployed_by FROM definition WHERE id = ?

-- name: forms
-- The forms of one version, by key.
SELECT definition, key, data FROM form WHERE definition = ? ORDER BY key

-- name: form
-- One of them.
SELECT definition, key, data FROM form WHERE definition = ? AND key = ?

-- name: definitions
-- By name, newest version first, without the files.
SELECT id, name, version, title, state, digest, file, x'' AS data, deployed, deployed_by
FROM definition
WHERE true
    AND name = :name              -- if name
    AND state IN carray(:states)  -- if states
ORDER BY name, version DESC


-- == 6 queries ========================================================================================================

-- name: instances
-- Newest first. What selects few (a key, a parent, incidents) is looked up, and the rest is checked (`+` keeps the planner
-- from another index). Otherwise the index by name and status is walked: once for each status, so that it gives the order.
-- Who started it is checked only: a million instances take 60 ms, and an index would cost each start 17 µs.
SELECT i.id, i.definition, i.name, i.version, i.status, i.position, i.business_key, i.started_by, i.started, i.ended,
       i.parent, i.parent_token, i.root, i.next_token, i.next_order, i.steps, i.ready, i.incidents
FROM instance AS i
    INDEXED BY instance_incidents                                                        -- if walk_incidents
WHERE true
    AND i.id < :before                                                                   -- if before
    AND i.business_key = :business_key                                                   -- if business_key
    AND i.parent = :parent                                                               -- if parent
    AND (i.root = :root AND i.parent IS NOT NULL OR i.id = :root AND +i.root = :root)    -- if root
    AND i.incidents > 0                                                                  -- if incidents
    AND i.incidents = 0                                                                  -- if no_incidents
    AND i.name = :definition                                                             -- if walk_name
    AND i.status = :status                                                               -- if walk_status
    AND i.status <> 'FINISHED'                                                           -- if walk_unfinished
    AND +i.name = :definition                                                            -- if check_name
    AND +i.status IN carray(:statuses)                                                   -- if check_statuses
    AND +i.started_by = :started_by                                                      -- if started_by
    AND +i.version = :version                                                            -- if version
    AND +i.started >= :started_after                                                     -- if started_after
    AND +i.started < :started_before                                                     -- if started_before
    AND i.ended IS NULL                                                                  -- if node
    AND EXISTS (SELECT 1 FROM token AS t WHERE t.instance = i.id AND t.node = :node)     -- if node
    AND (i.name LIKE :text ESCAPE '\' OR i.business_key LIKE :text ESCAPE '\'            -- if text
         OR CAST(i.id AS TEXT) LIKE :text ESCAPE '\')                                    -- if text
    AND NOT EXISTS (SELECT 1 FROM json_each(:variables) AS wanted                        -- if variables
                    WHERE NOT EXISTS (SELECT 1 FROM variable AS v                        -- if variables
                                      WHERE v.instance = i.id AND v.scope = 0            -- if variables
                                          AND v.name = wanted.value ->> 0                -- if variables
                                          AND matches(v.value, wanted.value)))           -- if variables
ORDER BY i.id DESC
LIMIT :limit

-- name: history
-- What happened in one instance, oldest first.
SELECT instance, position, at, actor, command, reason, events
FROM history WHERE instance = ? AND position > ? ORDER BY position LIMIT ?

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
-- What happened since, in the order of the commits.
SELECT number, instance, position, at, actor, command, reason, events
FROM history WHERE number > ? ORDER BY number LIMIT ?

-- name: history_number
-- The place of a position in the order of the commits.
SELECT number FROM history WHERE instance = ? AND position = ?

-- name: last_history
-- The latest row.
SELECT coalesce(max(number), 0) FROM history

-- name: instance_heads
-- Instances without what is in them.
SELECT id, definition, name, version, status, position, business_key, started_by, started, ended,
    parent, parent_token, root, next_token, next_order, steps, ready, incidents
FROM instance WHERE id IN carray(?) ORDER BY id

-- name: places
-- Where the tokens of some instances are, and how many on each node no child token runs for.
SELECT t.instance, t.node,
    sum((t.instance, t.id) NOT IN (SELECT c.instance, c.parent FROM token AS c
                                   WHERE c.instance IN carray(:ids) AND c.parent IS NOT NULL))
FROM token AS t
WHERE t.instance IN carray(:ids)
GROUP BY t.instance, t.node
ORDER BY t.instance, t.node

-- name: tasks
-- User tasks, newest first or by due date, each with where its instance is at this moment, and whose that is.
SELECT t.id, t.instance, t.token, t.process, t.node, t.name, t.lane, t.assignee, t.groups, t.users, t.created, t.due,
    t.follow_up, t.priority, t.form, t.definition, i.position, i.status, i.version, i.business_key, i.started_by, i.started
FROM task AS t
CROSS JOIN instance AS i ON i.id = t.instance
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
CROSS JOIN instance AS i ON i.id = t.instance
WHERE t.id = ?

-- name: job
-- One job, with its lease.
SELECT id, instance, token, node, type, retries, headers, created, due, fence, worker, deadline FROM job WHERE id = ?

-- name: incidents
-- Incidents, newest first, each with the position and the status of its instance at this moment.
SELECT n.id, n.instance, n.process, n.token, n.node, n.source, n.type, n.cause, n.message, n.details, n.raised, n.job,
    n.resolved, i.position, i.status
FROM incident AS n
CROSS JOIN instance AS i ON i.id = n.instance
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
-- Records that wait to be published, in the order of the commits.
SELECT number, id, instance, topic, key, headers, value, created
FROM outbox
WHERE true
    AND +topic IN carray(:topics)    -- if topics
    AND +topic NOT IN carray(:without)    -- if without
ORDER BY number
LIMIT :limit

-- name: unpublished
-- Those of some records that wait to be published.
SELECT id FROM outbox WHERE id IN carray(?)

-- name: topic_backlog
-- What waits of each topic: records to be published, and those that could not be handled.
SELECT topic, sum(records), min(since), sum(letters)
FROM (SELECT topic, count(*) AS records, min(created) AS since, 0 AS letters FROM outbox GROUP BY topic
      UNION ALL SELECT topic, 0, NULL, count(*) FROM letter WHERE state = 'dead' GROUP BY topic)
GROUP BY topic ORDER BY topic

-- name: positions
-- How far a group is.
SELECT "group", topic, partition, next FROM position WHERE "group" = ? ORDER BY topic, partition

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
LIMIT ?

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
-- What could be done at a moment and is not. Records are numbered in the order of the commits, so the first one is the oldest.
SELECT j.number, j.since, t.number + s.number, r.number, (SELECT created FROM outbox ORDER BY number LIMIT 1), l.number
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
UNION ALL SELECT 'user', count(*) FROM user
UNION ALL SELECT 'session', count(*) FROM session
UNION ALL SELECT 'draft', count(*) FROM draft


-- name: put_draft
-- What somebody has typed for a task, as long as the task is there.
INSERT OR REPLACE INTO draft (task, user, data, saved)
SELECT :task, :user, :data, :saved WHERE EXISTS (SELECT 1 FROM task WHERE id = :task)

-- name: draft
-- What somebody has typed for a task.
SELECT task, user, data, saved FROM draft WHERE task = ? AND user = ?

-- name: remove_draft
-- It is not wanted any more.
DELETE FROM draft WHERE task = ? AND user = ?


-- == 7 users and their sessions =======================================================================================

-- name: put_user
-- A user, or a new password or new roles.
INSERT OR REPLACE INTO user (name, password, roles, created) VALUES (?, ?, ?, ?)

-- name: remove_user
-- The user cannot log in any more.
DELETE FROM user WHERE name = ?

-- name: user
-- One of them.
SELECT name, password, roles, created FROM user WHERE name = ?

-- name: users
-- Everybody, by name.
SELECT name, password, roles, created FROM user ORDER BY name

-- name: users_of
-- Those of these names.
SELECT name, password, roles, created FROM user WHERE name IN carray(?) ORDER BY name

-- name: end_sessions
-- There is a new password: whoever logged in with the old one has to do so again.
DELETE FROM session WHERE user = ? AND stamp <> ?

-- name: put_session
-- Somebody logged in.
INSERT OR REPLACE INTO session (id, user, stamp, csrf, created, expires) VALUES (?, ?, ?, ?, ?, ?)

-- name: session
-- Who a cookie is of.
SELECT id, user, stamp, csrf, created, expires FROM session WHERE id = ?

-- name: sessions
-- Which of these are still there.
SELECT id, user, stamp, csrf, created, expires FROM session WHERE id IN carray(?) ORDER BY id

-- name: remove_session
-- Somebody logged out.
DELETE FROM session WHERE id = ?

-- name: remove_sessions
-- The user has to log in again everywhere.
DELETE FROM session WHERE user = ?

-- name: expire_sessions
-- Those that are over.
DELETE FROM session WHERE expires <= ?

-- name: remove_drafts_of
-- The user is not there any more.
DELETE FROM draft WHERE user = ?
