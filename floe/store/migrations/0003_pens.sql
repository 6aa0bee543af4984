-- Which store has a run's log: a host's name may live again with another one.

-- The store of `host`; NULL where there is none, or where it was not kept.
ALTER TABLE runs ADD COLUMN store TEXT;

UPDATE runs SET store = substr(key, instr(key, '@') + 1) WHERE host = adopted_by;

-- A run whose log was ever written here has a position also where its newest row was heard.
UPDATE runs SET pos = (SELECT pos FROM log WHERE run = key ORDER BY log.seq DESC LIMIT 1)
WHERE pos IS NULL;
