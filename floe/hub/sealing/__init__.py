"""The keys of sealed runs at a host at work."""
