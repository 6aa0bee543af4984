-- The writer keeps the index of facets: it knows which facets of a run changed. And a row of the log
-- may have several events from now on.

DROP TRIGGER facets_of_new_row;
DROP TRIGGER facets_of_changed_row;
DROP TRIGGER facets_of_removed_row;

-- Oldest first: new facets come at the end of those with their key, and pages stay full.
ALTER TABLE facets RENAME TO facets_newest_first;
DROP INDEX facets_of_run;
CREATE TABLE facets (
    kind TEXT    NOT NULL,
    key  TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    run  TEXT    NOT NULL,
    row  INTEGER NOT NULL,
    PRIMARY KEY (kind, key, at, run, row)
) WITHOUT ROWID;
INSERT INTO facets (kind, key, at, run, row)
SELECT kind, key, at, run, row FROM facets_newest_first ORDER BY kind, key, at, run, row;
DROP TABLE facets_newest_first;
