-- The epoch of the log that was removed; NULL: before this migration, or by an older floe.
ALTER TABLE pruned ADD COLUMN epoch INTEGER;
