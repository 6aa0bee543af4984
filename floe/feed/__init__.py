"""The feed: events of all hosts as one stream, and the directory of all hosts' runs."""
