-- The tables of a store, in the order in which storage/__init__.py describes their rows.
--
--   what lives       instance · token · variable · loop · output · kept
--   what is awaited  job · task · timer · subscription · call · incident
--   what happened    history · failed_start · audit
--   what travels     message · outbox · inbox
--   what can run     definition · start_timer · start_subscription · revision
--   who may          user
--
-- Ids are 64-bit and grow with time, so a row with an id of its own is appended. Times are microseconds since the epoch;
-- documents are JSON as it came, in blobs. What an index costs is paid by every start and every step: there is one for
-- each question that the engine asks while it works, and partial ones, empty most of the time, for what people ask.

CREATE TABLE instance (
    id            INTEGER PRIMARY KEY,
    definition    INTEGER NOT NULL,
    name          TEXT NOT NULL,
    version       INTEGER NOT NULL,
    status        TEXT NOT NULL,
    position      INTEGER NOT NULL,
    business_key  TEXT,
    started_by    TEXT NOT NULL,
    started       INTEGER NOT NULL,
    ended         INTEGER,
    parent        INTEGER,
    parent_token  INTEGER,
    root          INTEGER NOT NULL,
    next_token    INTEGER NOT NULL,
    next_order    INTEGER NOT NULL,
    steps         INTEGER NOT NULL,
    ready         INTEGER NOT NULL,
    incidents     INTEGER NOT NULL
) STRICT;

CREATE INDEX instance_name ON instance (name, status);
CREATE INDEX instance_status ON instance (status) WHERE status <> 'FINISHED';
CREATE INDEX instance_business_key ON instance (business_key) WHERE business_key IS NOT NULL;
CREATE INDEX instance_parent ON instance (parent) WHERE parent IS NOT NULL;
CREATE INDEX instance_root ON instance (root) WHERE parent IS NOT NULL;
CREATE INDEX instance_ready ON instance (ready) WHERE ready = 1;
CREATE INDEX instance_incidents ON instance (id) WHERE incidents > 0;

CREATE TABLE token (
    instance    INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    parent      INTEGER,
    scope       INTEGER NOT NULL,
    node        TEXT NOT NULL,
    start_node  TEXT NOT NULL,
    flow        TEXT,
    state       TEXT NOT NULL,
    status      TEXT NOT NULL,
    version     INTEGER NOT NULL,
    updated     INTEGER NOT NULL,
    holding     TEXT NOT NULL,
    count       INTEGER NOT NULL,
    finished    INTEGER NOT NULL,
    joined      INTEGER NOT NULL,
    item        INTEGER,
    PRIMARY KEY (instance, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE variable (
    instance  INTEGER NOT NULL,
    scope     INTEGER NOT NULL,
    name      TEXT NOT NULL,
    value     BLOB NOT NULL,
    PRIMARY KEY (instance, scope, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE loop (
    instance  INTEGER NOT NULL,
    token     INTEGER NOT NULL,
    items     BLOB NOT NULL,
    PRIMARY KEY (instance, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE output (
    instance  INTEGER NOT NULL,
    token     INTEGER NOT NULL,
    "index"   INTEGER NOT NULL,
    value     BLOB NOT NULL,
    PRIMARY KEY (instance, token, "index")
) STRICT, WITHOUT ROWID;

CREATE TABLE kept (
    instance  INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    command   BLOB NOT NULL,
    PRIMARY KEY (instance, number)
) STRICT, WITHOUT ROWID;

-- `available` is when the job can be handed out, and the order in which it is: jobs that come back after a failure or a
-- lost lease queue with the others. `held` follows the status of the instance (1: on hold), so that a million held jobs are
-- not looked at to find one that is not.
CREATE TABLE job (
    id         INTEGER PRIMARY KEY,
    instance   INTEGER NOT NULL,
    token      INTEGER NOT NULL,
    node       TEXT NOT NULL,
    type       TEXT NOT NULL,
    retries    INTEGER NOT NULL,
    headers    BLOB NOT NULL,
    created    INTEGER NOT NULL,
    due        INTEGER NOT NULL,
    fence      INTEGER NOT NULL DEFAULT 0,
    worker     TEXT,
    deadline   INTEGER NOT NULL DEFAULT 0,
    held       INTEGER NOT NULL DEFAULT 0,
    available  INTEGER NOT NULL GENERATED ALWAYS AS (max(created, due, deadline)) VIRTUAL
) STRICT;

CREATE INDEX job_instance ON job (instance);
CREATE INDEX job_available ON job (type, available) WHERE retries > 0 AND held = 0;

CREATE TABLE task (
    id         INTEGER PRIMARY KEY,
    instance   INTEGER NOT NULL,
    token      INTEGER NOT NULL,
    process    TEXT NOT NULL,
    node       TEXT NOT NULL,
    name       TEXT NOT NULL,
    lane       TEXT,
    assignee   TEXT,
    groups     BLOB NOT NULL,
    users      BLOB NOT NULL,
    created    INTEGER NOT NULL,
    due        INTEGER,
    follow_up  INTEGER,
    priority   INTEGER NOT NULL,
    form       TEXT,
    definition INTEGER NOT NULL
) STRICT;

CREATE INDEX task_instance ON task (instance);
CREATE INDEX task_assignee ON task (assignee) WHERE assignee IS NOT NULL;

CREATE TABLE timer (
    id        INTEGER PRIMARY KEY,
    instance  INTEGER NOT NULL,
    token     INTEGER NOT NULL,
    node      TEXT NOT NULL,
    due       INTEGER NOT NULL,
    kind      TEXT NOT NULL,
    rule      TEXT NOT NULL,
    zone      TEXT NOT NULL,
    number    INTEGER NOT NULL,
    anchor    INTEGER NOT NULL,
    held      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX timer_instance ON timer (instance);
CREATE INDEX timer_due ON timer (due) WHERE held = 0;

CREATE TABLE subscription (
    id        INTEGER PRIMARY KEY,
    instance  INTEGER NOT NULL,
    token     INTEGER NOT NULL,
    process   TEXT NOT NULL,
    node      TEXT NOT NULL,
    name      TEXT NOT NULL,
    key       TEXT NOT NULL
) STRICT;

CREATE INDEX subscription_instance ON subscription (instance);
CREATE INDEX subscription_name ON subscription (name, key);

CREATE TABLE call (
    id        INTEGER PRIMARY KEY,
    instance  INTEGER NOT NULL,
    token     INTEGER NOT NULL,
    node      TEXT NOT NULL,
    process   TEXT NOT NULL
) STRICT;

CREATE INDEX call_instance ON call (instance);

CREATE TABLE incident (
    id        INTEGER PRIMARY KEY,
    instance  INTEGER NOT NULL,
    process   TEXT NOT NULL,
    token     INTEGER NOT NULL,
    node      TEXT NOT NULL,
    source    TEXT NOT NULL,
    type      TEXT NOT NULL,
    cause     TEXT NOT NULL,
    message   TEXT NOT NULL,
    details   TEXT NOT NULL,
    raised    INTEGER NOT NULL,
    job       INTEGER,
    resolved  INTEGER
) STRICT;

CREATE INDEX incident_instance ON incident (instance);
CREATE INDEX incident_open ON incident (id) WHERE resolved IS NULL;

-- `number` is the order of the commits. The events are appended there and found through a small index: four times cheaper
-- than keeping them in the order of their instances, as soon as old instances go on.
CREATE TABLE history (
    number    INTEGER PRIMARY KEY,
    instance  INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    command   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    events    BLOB NOT NULL,
    UNIQUE (instance, position)
) STRICT;

CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    key         TEXT,
    variables   BLOB NOT NULL,
    message_id  TEXT,
    published   INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    correlated  BLOB NOT NULL
) STRICT;

CREATE INDEX message_name ON message (name, key);
CREATE INDEX message_expires ON message (expires);

CREATE TABLE outbox (
    id        INTEGER PRIMARY KEY,
    instance  INTEGER NOT NULL,
    topic     TEXT NOT NULL,
    key       TEXT NOT NULL,
    headers   BLOB NOT NULL,
    value     BLOB NOT NULL,
    created   INTEGER NOT NULL
) STRICT;

CREATE TABLE inbox (
    key     TEXT NOT NULL PRIMARY KEY,
    at      INTEGER NOT NULL,
    result  BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE failed_start (
    id       INTEGER PRIMARY KEY,
    process  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    status   INTEGER NOT NULL,
    title    TEXT NOT NULL,
    detail   TEXT NOT NULL,
    data     BLOB NOT NULL
) STRICT;

CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    actor       TEXT NOT NULL,
    subject     TEXT NOT NULL,
    event       TEXT NOT NULL,
    identifier  TEXT NOT NULL,
    status      TEXT NOT NULL,
    detail      TEXT NOT NULL
) STRICT;

CREATE TABLE definition (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL,
    version      INTEGER NOT NULL,
    title        TEXT NOT NULL,
    state        TEXT NOT NULL,
    digest       TEXT NOT NULL,
    file         TEXT NOT NULL,
    data         BLOB NOT NULL,
    deployed     INTEGER NOT NULL,
    deployed_by  TEXT NOT NULL,
    UNIQUE (name, version)
) STRICT;

CREATE TABLE start_timer (
    id          INTEGER PRIMARY KEY,
    definition  INTEGER NOT NULL,
    node        TEXT NOT NULL,
    due         INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    rule        TEXT NOT NULL,
    zone        TEXT NOT NULL,
    number      INTEGER NOT NULL,
    anchor      INTEGER NOT NULL
) STRICT;

CREATE INDEX start_timer_due ON start_timer (due);

CREATE TABLE start_subscription (
    definition  INTEGER NOT NULL,
    process     TEXT NOT NULL,
    node        TEXT NOT NULL,
    name        TEXT NOT NULL,
    PRIMARY KEY (name, definition, node)
) STRICT, WITHOUT ROWID;

-- One row that counts the changes to what can run.
CREATE TABLE revision (
    definitions  INTEGER NOT NULL
) STRICT;

INSERT INTO revision (definitions) VALUES (0);

CREATE TABLE user (
    name      TEXT NOT NULL PRIMARY KEY,
    password  TEXT NOT NULL,
    roles     BLOB NOT NULL,
    created   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
