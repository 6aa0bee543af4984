-- name: make_meta
-- Properties of the store itself, written when the store is created.
INSERT OR IGNORE INTO meta (name, value)
VALUES ('store_id', ?), ('created', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'));

-- name: meta
-- One property of the store itself.
SELECT value FROM meta WHERE name = ?;

-- name: put_meta
-- A property of the store itself, new or changed.
INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?);

-- name: last_pos
-- The highest position that was ever used: the newest events may have been removed.
SELECT max(
    coalesce((SELECT max(pos) FROM log), 0),
    coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'head'), 0));

-- name: head
-- Where a run's log ends.
SELECT epoch, seq FROM log WHERE run = ? ORDER BY seq DESC LIMIT 1;

-- name: append_event
-- Events on a run's log; (run, seq) is unique, so a second writer could never overwrite.
INSERT INTO log (pos, run, epoch, seq, at, event, body) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: put_run
-- A run's row in the directory, if it is newer than the stored one. A row received from a peer
-- (`pos` NULL) keeps the position of our own row that it replaces.
INSERT INTO runs (
    id, key, flow, ver, state, phase, good, result, why, title, terms, host, store, adopted_by, epoch,
    seq, trigger, by, pended_at, started_at, ended_at, rerun_of, digest, output_bytes, ran, skipped,
    parent, awaited, label, active_at, due, edition, facets, search, pos
) VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
) ON CONFLICT (key) DO UPDATE SET
    id = excluded.id, flow = excluded.flow, ver = excluded.ver, state = excluded.state,
    phase = excluded.phase, good = excluded.good, result = excluded.result, why = excluded.why,
    title = excluded.title, terms = excluded.terms, host = excluded.host,
    store = excluded.store, adopted_by = excluded.adopted_by, epoch = excluded.epoch,
    seq = excluded.seq, trigger = excluded.trigger, by = excluded.by,
    pended_at = excluded.pended_at, started_at = excluded.started_at,
    ended_at = excluded.ended_at, rerun_of = excluded.rerun_of,
    digest = coalesce(nullif(excluded.digest, ''), digest),
    output_bytes = excluded.output_bytes, ran = excluded.ran,
    skipped = excluded.skipped, parent = excluded.parent, awaited = excluded.awaited,
    label = excluded.label, active_at = excluded.active_at, due = excluded.due,
    edition = excluded.edition, facets = excluded.facets,
    search = excluded.search,
    pos = coalesce(excluded.pos, pos)
WHERE (excluded.epoch, excluded.seq, excluded.state = 'archive', excluded.edition)
    > (epoch, seq, state = 'archive', edition);

-- name: changes
-- This store's own rows that changed after a position.
SELECT pos, id, key, flow, ver, state, phase, good, result, why, title, terms,
    host, store, adopted_by, epoch, seq, trigger, by, pended_at, started_at, ended_at,
    rerun_of, digest, output_bytes, ran, skipped, parent, awaited,
    label, active_at, due, edition, facets
FROM runs WHERE pos > ? ORDER BY pos LIMIT ?;

-- name: prune_log
-- Remove the log of a run.
DELETE FROM log WHERE run = :key;

-- name: forget_once
-- Forget the idempotency keys that led to the removed runs that `forget_pruned` forgets.
DELETE FROM ledger WHERE kind = 'once' AND value IN (
    SELECT '"' || key || '"' FROM pruned WHERE at < :before
    AND at < (SELECT at FROM pruned ORDER BY at DESC LIMIT 1 OFFSET :most));

-- name: put_pruned
-- The record of a removed run. `pos` is for other hosts: only of a run that had a log here. A second
-- removal keeps it.
INSERT OR REPLACE INTO pruned (key, flow, at, why, epoch, pos)
VALUES (:key, :flow, :at, :why, :epoch, coalesce(
    (SELECT :pos WHERE EXISTS (SELECT 1 FROM runs WHERE key = :key AND pos IS NOT NULL)),
    (SELECT pos FROM pruned WHERE key = :key)));

-- name: prune_run
-- Remove the row of a run.
DELETE FROM runs WHERE key = :key;

-- name: forget_pruned
-- Forget the oldest removals before an instant, but for the latest `most`.
DELETE FROM pruned WHERE at < :before
AND at < (SELECT at FROM pruned ORDER BY at DESC LIMIT 1 OFFSET :most);

-- name: pruned
-- The record of a removed run.
SELECT key, flow, at, why, epoch FROM pruned WHERE key = ?;

-- name: row_epoch
-- The epoch of the row of a run.
SELECT epoch FROM runs WHERE key = ?;

-- name: traces
-- Whether a run has a log here or was removed, and the ledger entry of a kind with its key.
SELECT
    EXISTS (SELECT 1 FROM log WHERE run = :run)
        OR EXISTS (SELECT 1 FROM pruned WHERE key = :run),
    (SELECT value FROM ledger WHERE kind = :kind AND key = :run);

-- name: pruned_changes
-- This store's own removals after a position.
SELECT pos, key, flow, at, why, epoch FROM pruned WHERE pos > ? ORDER BY pos LIMIT ?;

-- name: repeated
-- Those of some runs that a run with a row repeats.
SELECT DISTINCT rerun_of FROM runs
WHERE rerun_of <> '' AND rerun_of IN (SELECT value FROM json_each(?));

-- name: put_row
-- A ledger entry, new or changed.
INSERT OR REPLACE INTO ledger (kind, key, value) VALUES (?, ?, ?);

-- name: drop_row
-- Delete a ledger entry.
DELETE FROM ledger WHERE kind = ? AND key = ?;

-- name: logged_runs
-- Runs with a log here.
SELECT DISTINCT run FROM log ORDER BY run;

-- name: search_again
-- The text that a search reads, where it differs from what the columns say.
UPDATE runs SET search = floe_kept_search(id, flow, why, by, trigger, title, terms)
WHERE search <> floe_kept_search(id, flow, why, by, trigger, title, terms);

-- name: clear_facets
-- Empty the index of facets.
DELETE FROM facets;

-- name: put_facet
-- A facet in the index.
INSERT OR IGNORE INTO facets (kind, key, at, row, run) VALUES (?, ?, ?, ?, ?);

-- name: drop_facet
-- Take a facet out of the index.
DELETE FROM facets WHERE kind = ? AND key = ? AND at = ? AND row = ? AND run = ?;

-- name: facets_of
-- The facets of the row of a run.
SELECT facets FROM runs WHERE key = ?;

-- name: rows_with_facets
-- Rows with facets, by the keys of their runs.
SELECT key, facets FROM runs WHERE facets <> '';

-- name: request_rows
-- Forget up to where the rows of other stores are known, so that they are requested again.
UPDATE ledger SET value = '0' WHERE kind = 'directory';

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
SELECT id, key, flow, ver, state, phase, good, result, why, title, terms,
    host, store, adopted_by, epoch, seq, trigger, by, pended_at, started_at, ended_at,
    rerun_of, digest, output_bytes, ran, skipped, parent, awaited,
    label, active_at, due, edition, facets
FROM runs WHERE key = ?;

-- name: page
-- Rows of the directory, newest first; {where} consists of the active filters.
SELECT id, key, flow, ver, state, phase, good, result, why, title, terms,
    host, store, adopted_by, epoch, seq, trigger, by, pended_at, started_at, ended_at,
    rerun_of, digest, output_bytes, ran, skipped, parent, awaited,
    label, active_at, due, edition, facets
FROM runs WHERE {where} ORDER BY pended_at DESC, key DESC LIMIT :limit;

-- name: flow_runs
-- The newest run of each of some flows, how many of its archived runs failed since the newest good
-- one, apart from those that a parent waited for (`bad_max` and one more at most), and when the oldest of `bad_max` ended. All by an index.
WITH
    asked AS (SELECT value AS flow FROM json_each(:flows)),
    newest AS (SELECT flow, (SELECT key FROM (
        SELECT * FROM (
            SELECT pended_at, key FROM runs
            WHERE flow = asked.flow AND state = 'pending' AND good IS NULL
            ORDER BY pended_at DESC, key DESC LIMIT 1) UNION ALL
        SELECT * FROM (
            SELECT pended_at, key FROM runs
            WHERE flow = asked.flow AND state = 'active' AND good IS NULL
            ORDER BY pended_at DESC, key DESC LIMIT 1) UNION ALL
        SELECT * FROM (
            SELECT pended_at, key FROM runs
            WHERE flow = asked.flow AND state = 'archive' AND good = TRUE
            ORDER BY pended_at DESC, key DESC LIMIT 1) UNION ALL
        SELECT * FROM (
            SELECT pended_at, key FROM runs
            WHERE flow = asked.flow AND state = 'archive' AND good = FALSE
            ORDER BY pended_at DESC, key DESC LIMIT 1)
        ) ORDER BY pended_at DESC, key DESC LIMIT 1) AS last,
        coalesce((SELECT pended_at FROM runs
            WHERE flow = asked.flow AND state = 'archive' AND good = TRUE
            ORDER BY pended_at DESC, key DESC LIMIT 1), -1) AS good_at,
        coalesce((SELECT key FROM runs
            WHERE flow = asked.flow AND state = 'archive' AND good = TRUE
            ORDER BY pended_at DESC, key DESC LIMIT 1), '') AS good_key
        FROM asked)
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM runs
        WHERE flow = newest.flow AND good = FALSE AND result IN ('bad', 'stalled') AND awaited = FALSE
        AND (pended_at, key) > (newest.good_at, newest.good_key)
        ORDER BY pended_at DESC, key DESC LIMIT :bad_max + 1)),
    (SELECT coalesce(ended_at, pended_at) FROM (SELECT ended_at, pended_at, key FROM runs
        WHERE flow = newest.flow AND good = FALSE AND result IN ('bad', 'stalled') AND awaited = FALSE
        AND (pended_at, key) > (newest.good_at, newest.good_key)
        ORDER BY pended_at DESC, key DESC LIMIT :bad_max) ORDER BY pended_at, key LIMIT 1),
    id, runs.key, runs.flow, ver, state, phase, good, result, why, title, terms, host, store,
    adopted_by, epoch, seq, trigger, by, pended_at, started_at, ended_at,
    rerun_of, digest, output_bytes, ran, skipped, parent, awaited,
    label, active_at, due, edition, facets
FROM newest JOIN runs ON runs.key = newest.last;

-- name: facet_page
-- Rows of runs with one facet, in order, and whether they have those of the other filters.
SELECT at, run, row, {others} FROM facets AS one WHERE kind = :kind AND key = :key AND {where}
ORDER BY at {order}, run {order}, row {order};

-- name: count_facets
-- How many facets a filter has, up to a number.
SELECT count(*) FROM (SELECT 1 FROM json_each(:keys) AS wanted CROSS JOIN facets
    WHERE facets.kind = :kind AND facets.key = wanted.value LIMIT :most);

-- name: search_floor
-- The row at the end of one page's text search: `rows` rows below the start.
SELECT pended_at, key FROM runs WHERE {where}
ORDER BY pended_at DESC, key DESC LIMIT 1 OFFSET :rows;

-- name: ledger
-- All ledger entries of a kind.
SELECT key, value FROM ledger WHERE kind = ?;

-- name: row
-- One ledger entry.
SELECT value FROM ledger WHERE kind = ? AND key = ?;
