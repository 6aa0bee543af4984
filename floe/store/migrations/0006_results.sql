-- Runs with a result other than good, newest first: a list of the few stalled runs reads no others.

CREATE INDEX runs_by_result ON runs (result, state, pended_at) WHERE good = FALSE;
