"""Storage of events: the port in `base` and its implementations. Decides nothing about a run."""
