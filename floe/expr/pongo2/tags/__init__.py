"""The tags of templates by theme."""
