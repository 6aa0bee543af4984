"""Leases of cluster resources: claims, the keeper that grants them, and its census."""
