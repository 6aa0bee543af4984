-- What people look for in a list: the title of a run, its values, and how it ended.

-- good, bad, cancelled, rejected or stalled; NULL until the run is over.
ALTER TABLE runs ADD COLUMN result TEXT;
ALTER TABLE runs ADD COLUMN title TEXT NOT NULL DEFAULT '';
-- What a search reads of the values.
ALTER TABLE runs ADD COLUMN terms TEXT NOT NULL DEFAULT '';

-- The functions are in store/upgrades.py. A row without a log here came from another host. The
-- reason of an old run tells its result: a cancel and a rejection name the person.
UPDATE runs SET
    result = floe_result(good, why),
    why = floe_why(good, why),
    title = coalesce((SELECT floe_title(body) FROM log WHERE run = key AND seq = 1), ''),
    terms = coalesce((SELECT floe_terms(body) FROM log WHERE run = key AND seq = 1), '');

UPDATE runs SET search = floe_search(id, flow, why, by, trigger, title, terms);

-- Failures in a row are counted without the runs that people cancelled or rejected.
CREATE INDEX runs_failing ON runs (flow, pended_at)
WHERE good = FALSE AND result IN ('bad', 'stalled');
