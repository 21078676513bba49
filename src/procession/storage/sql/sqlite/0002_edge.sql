-- What the edge keeps: the sessions of people who work in a browser. `id` is the SHA-256 of what their cookie says; `stamp`
-- tells which password it was opened with. Sessions are looked up by id, ended by user, and cleared when they are over.

CREATE TABLE session (
    id       TEXT NOT NULL PRIMARY KEY,
    user     TEXT NOT NULL,
    stamp    TEXT NOT NULL,
    csrf     TEXT NOT NULL,
    created  INTEGER NOT NULL,
    expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX session_user ON session (user);
CREATE INDEX session_expires ON session (expires);
