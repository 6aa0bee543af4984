-- name: make_meta
-- Facts about the store itself, written when the store is made.
INSERT OR IGNORE INTO meta (name, value)
VALUES ('store_id', ?), ('created', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));

-- name: meta
-- One fact about the store itself.
SELECT value FROM meta WHERE name = ?;

-- name: put_meta
-- A fact about the store itself, new or changed.
INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?);

-- name: last_pos
-- The position of the newest event.
SELECT coalesce(max(pos), 0) FROM log;

-- name: head
-- Where a run's log ends.
SELECT epoch, seq FROM log WHERE run = ? ORDER BY seq DESC LIMIT 1;

-- name: append_event
-- One event on a run's log; (run, seq) is unique, so a second writer could never overwrite.
INSERT INTO log (pos, run, epoch, seq, at, event, body) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: put_run
-- The row by which lists know a run, if it is newer than the one that is there. One that was heard
-- (`pos` NULL) is told to others from the place of the own row that it replaces.
INSERT INTO runs (
    id, key, flow, ver, state, phase, good, why, host, store, adopted_by, epoch, seq, trigger, by,
    pended_at, started_at, ended_at, search, pos
) VALUES (
    :id, :key, :flow, :ver, :state, :phase, :good, :why, :host, :store, :adopted_by, :epoch, :seq,
    :trigger, :by, :pended_at, :started_at, :ended_at, :search, :pos
) ON CONFLICT (key) DO UPDATE SET
    id = excluded.id, flow = excluded.flow, ver = excluded.ver, state = excluded.state,
    phase = excluded.phase, good = excluded.good, why = excluded.why, host = excluded.host,
    store = excluded.store, adopted_by = excluded.adopted_by, epoch = excluded.epoch,
    seq = excluded.seq, trigger = excluded.trigger, by = excluded.by,
    pended_at = excluded.pended_at, started_at = excluded.started_at,
    ended_at = excluded.ended_at, search = excluded.search,
    pos = coalesce(excluded.pos, pos)
WHERE (excluded.epoch, excluded.seq, excluded.state = 'archive') > (epoch, seq, state = 'archive');

-- name: changes
-- This store's own rows that changed after a position.
SELECT pos, id, key, flow, ver, state, phase, good, why, host, store, adopted_by, epoch, seq, trigger,
    by, pended_at, started_at, ended_at
FROM runs WHERE pos > ? ORDER BY pos LIMIT ?;

-- name: put_row
-- A ledger row, new or changed.
INSERT OR REPLACE INTO ledger (kind, key, value) VALUES (?, ?, ?);

-- name: drop_row
-- A ledger row is done with.
DELETE FROM ledger WHERE kind = ? AND key = ?;

-- name: unfinished
-- Runs with a log here that are not over, oldest first.
SELECT key FROM runs
WHERE state IN ('pending', 'active') AND EXISTS (SELECT 1 FROM log WHERE run = key)
ORDER BY pended_at, key;

-- name: history
-- A run's events after a sequence number.
SELECT pos, run, epoch, seq, event, body FROM log
WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?;

-- name: tail
-- All runs' events after a position.
SELECT pos, run, epoch, seq, event, body FROM log
WHERE pos > ? ORDER BY pos LIMIT ?;

-- name: find
-- The directory row of one run.
SELECT id, key, flow, ver, state, phase, good, why, host, store, adopted_by, epoch, seq, trigger,
    by, pended_at, started_at, ended_at
FROM runs WHERE key = ?;

-- name: page
-- Rows of the directory, newest first; {where} is made of the filters that are set.
SELECT id, key, flow, ver, state, phase, good, why, host, store, adopted_by, epoch, seq, trigger,
    by, pended_at, started_at, ended_at
FROM runs WHERE {where} ORDER BY pended_at DESC, key DESC LIMIT :limit;

-- name: search_floor
-- The row so many places below a place: how far one page's search for a text goes.
SELECT pended_at, key FROM runs WHERE {where}
ORDER BY pended_at DESC, key DESC LIMIT 1 OFFSET :rows;

-- name: ledger
-- All rows of a kind.
SELECT key, value FROM ledger WHERE kind = ?;

-- name: row
-- One ledger row.
SELECT value FROM ledger WHERE kind = ? AND key = ?;
