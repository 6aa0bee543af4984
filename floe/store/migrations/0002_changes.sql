-- Rows of a store's own runs in the order of their changes, as other hosts are told of them.

-- The position of the fact that changed a row; NULL in a row that was heard from another host.
ALTER TABLE runs ADD COLUMN pos INTEGER;

UPDATE runs SET pos = (SELECT pos FROM log WHERE run = key ORDER BY log.seq DESC LIMIT 1);

CREATE INDEX runs_changed ON runs (pos) WHERE pos IS NOT NULL;
