-- The child runs of a run: the key of an attempt begins with the key of its run.

CREATE INDEX runs_by_parent ON runs (parent) WHERE parent <> '';
