"""The floe dialect: YAML documents with `flows:`, tasks, merges and triggers."""
