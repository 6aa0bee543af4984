-- The state, the last work and the next start of a run by its dialect, and facets: facts about it by
-- which lists find it.

ALTER TABLE runs ADD COLUMN label TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN active_at INTEGER;
ALTER TABLE runs ADD COLUMN due INTEGER;
-- How often the row was derived from the same log. 0: before this migration.
ALTER TABLE runs ADD COLUMN edition INTEGER NOT NULL DEFAULT 0;
-- A JSON list of [kind, key, row, at]; empty for none.
ALTER TABLE runs ADD COLUMN facets TEXT NOT NULL DEFAULT '';

-- The same facets, as an index: the triggers below keep it in step with the rows.
CREATE TABLE facets (
    kind TEXT    NOT NULL,
    key  TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    run  TEXT    NOT NULL,
    row  INTEGER NOT NULL,
    PRIMARY KEY (kind, key, at DESC, run DESC, row DESC)
) WITHOUT ROWID;
-- To find those of one run, which has few: a common facet has as many rows as there are runs.
CREATE INDEX facets_of_run ON facets (run);

CREATE TRIGGER facets_of_new_row AFTER INSERT ON runs WHEN new.facets <> '' BEGIN
    INSERT INTO facets (kind, key, row, at, run)
    SELECT DISTINCT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
        json_extract(value, '$[2]'), json_extract(value, '$[3]'), new.key
    FROM json_each(new.facets);
END;

CREATE TRIGGER facets_of_changed_row AFTER UPDATE OF facets ON runs
WHEN old.facets <> new.facets BEGIN
    DELETE FROM facets WHERE run = old.key;
    INSERT INTO facets (kind, key, row, at, run)
    SELECT DISTINCT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
        json_extract(value, '$[2]'), json_extract(value, '$[3]'), new.key
    FROM json_each(nullif(new.facets, ''));
END;

CREATE TRIGGER facets_of_removed_row AFTER DELETE ON runs WHEN old.facets <> '' BEGIN
    DELETE FROM facets WHERE run = old.key;
END;
