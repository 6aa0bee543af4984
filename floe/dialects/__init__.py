"""Documents in some language to flows of floe's one engine."""
