-- The log, the directory of runs and the ledger.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- One row per event. `pos` is given by the writer; `run` is `h1-12@k3f9`.
CREATE TABLE log (
    pos   INTEGER PRIMARY KEY,
    run   TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    event TEXT    NOT NULL,
    body  TEXT    NOT NULL,
    UNIQUE (run, seq)
);

-- One row per run: the columns of Summary, and `search`, its text in one case.
CREATE TABLE runs (
    key        TEXT    PRIMARY KEY,
    id         TEXT    NOT NULL,
    flow       TEXT    NOT NULL,
    ver        INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    phase      TEXT    NOT NULL,
    good       INTEGER,
    why        TEXT    NOT NULL,
    host       TEXT,
    adopted_by TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    trigger    TEXT    NOT NULL,
    by         TEXT    NOT NULL,
    pended_at  INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    search     TEXT    NOT NULL
) WITHOUT ROWID;

-- Every filter of a list ends in one of these, newest first (the primary key is their last
-- column by itself), so that a page costs the same in an archive of any size.
CREATE INDEX runs_newest       ON runs (pended_at);
CREATE INDEX runs_by_state     ON runs (state, good, pended_at);
CREATE INDEX runs_by_flow      ON runs (flow, state, good, pended_at);
CREATE INDEX runs_by_host      ON runs (host, state, good, pended_at);
CREATE INDEX runs_by_flow_host ON runs (flow, host, state, good, pended_at);

-- Rows beside the log; `value` is JSON.
CREATE TABLE ledger (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
