-- Runs that were removed, and what decides which runs are.

-- The key of the run that a run repeats, and the digest of its flow; empty for none.
ALTER TABLE runs ADD COLUMN rerun_of TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN output_bytes INTEGER NOT NULL DEFAULT 0;

-- The functions are in store/upgrades.py. Rows without a log here came from other hosts.
UPDATE runs SET
    rerun_of = coalesce((SELECT floe_rerun_of(body) FROM log WHERE run = key AND seq = 1), ''),
    digest = coalesce((SELECT floe_digest(body) FROM log
        WHERE run = key AND event IN ('RunPended', 'FlowPinned')
        ORDER BY log.seq DESC LIMIT 1), ''),
    output_bytes = coalesce((SELECT sum(floe_output_bytes(body)) FROM log
        WHERE run = key AND event IN ('NodeSettled', 'RetryArmed')), 0)
WHERE pos IS NOT NULL;

CREATE INDEX runs_again ON runs (rerun_of) WHERE rerun_of <> '';

-- The records of removed runs, for a while. `pos` as in `runs`.
CREATE TABLE pruned (
    key  TEXT    PRIMARY KEY,
    flow TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    why  TEXT    NOT NULL,
    pos  INTEGER
) WITHOUT ROWID;

CREATE INDEX pruned_newest ON pruned (at);
CREATE INDEX pruned_changed ON pruned (pos) WHERE pos IS NOT NULL;

-- The idempotency keys that led to a run go with it.
CREATE INDEX ledger_once ON ledger (value) WHERE kind = 'once';
