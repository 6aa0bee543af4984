"""Memory of facts: the port in `base`, and its implementations. No decision about a run."""
