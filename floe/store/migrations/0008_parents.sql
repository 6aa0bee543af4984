-- The attempt whose child run a run is, and whether it waits for it.

ALTER TABLE runs ADD COLUMN parent TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;
