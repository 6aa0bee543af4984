"""What a host does for runs that have ended: it sends their notices, and removes them in time."""
