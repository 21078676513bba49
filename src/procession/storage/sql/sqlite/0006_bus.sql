-- What the bus needs. `outbox` gets a `number`, the order of the commits: ids come from the clocks of several processes. A number is
-- never used again (AUTOINCREMENT), so that nobody takes a record for one that was published before. `position` is how far a group
-- has taken in the records of a partition; `letter` keeps the records that could not be handled; of each `role` one process at a time
-- has it, until a moment. `record` says that a message is an answer of an integration: it does not just expire.

CREATE TABLE numbered_outbox (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        INTEGER NOT NULL UNIQUE,
    instance  INTEGER NOT NULL,
    topic     TEXT NOT NULL,
    key       TEXT NOT NULL,
    headers   BLOB NOT NULL,
    value     BLOB NOT NULL,
    created   INTEGER NOT NULL
) STRICT;

INSERT INTO numbered_outbox (id, instance, topic, key, headers, value, created)
SELECT id, instance, topic, key, headers, value, created FROM outbox ORDER BY id;

DROP TABLE outbox;
ALTER TABLE numbered_outbox RENAME TO outbox;

ALTER TABLE message ADD COLUMN node TEXT;
ALTER TABLE message ADD COLUMN record BLOB;

CREATE INDEX message_answer ON message (expires) WHERE record IS NOT NULL;

CREATE TABLE position (
    "group"    TEXT NOT NULL,
    topic      TEXT NOT NULL,
    partition  INTEGER NOT NULL,
    next       INTEGER NOT NULL,
    PRIMARY KEY ("group", topic, partition)
) STRICT, WITHOUT ROWID;

CREATE TABLE letter (
    id         INTEGER PRIMARY KEY,
    topic      TEXT NOT NULL,
    partition  INTEGER NOT NULL,
    "offset"   INTEGER NOT NULL,
    key        TEXT,
    headers    BLOB NOT NULL,
    value      BLOB NOT NULL,
    published  INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    due        INTEGER,
    state      TEXT NOT NULL,
    instance   INTEGER,
    title      TEXT NOT NULL,
    detail     TEXT NOT NULL,
    closed     INTEGER,
    closed_by  TEXT
) STRICT;

CREATE INDEX letter_state ON letter (state);
CREATE INDEX letter_due ON letter (due) WHERE state = 'waiting' AND due IS NOT NULL;
CREATE INDEX letter_instance ON letter (instance) WHERE instance IS NOT NULL;

CREATE TABLE role (
    name    TEXT NOT NULL PRIMARY KEY,
    holder  TEXT NOT NULL,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
