-- What people fill in. `form`: the JSON Schemas of a definition, by the keys with which the process refers to them, as they came.
-- `draft`: what somebody has typed for a task and not sent yet; it goes with the task, and with the user.

CREATE TABLE form (
    definition  INTEGER NOT NULL,
    key         TEXT NOT NULL,
    data        BLOB NOT NULL,
    PRIMARY KEY (definition, key)
) STRICT;

CREATE TABLE draft (
    task   INTEGER NOT NULL,
    user   TEXT NOT NULL,
    data   BLOB NOT NULL,
    saved  INTEGER NOT NULL,
    PRIMARY KEY (task, user)
) STRICT;

CREATE INDEX draft_user ON draft (user);
