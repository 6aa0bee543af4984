-- How many nodes of a run ran and how many were skipped, counted when it ends: `4 of 6 ran`.

ALTER TABLE runs ADD COLUMN ran INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
