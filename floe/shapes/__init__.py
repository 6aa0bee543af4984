"""JSON shapes of runs, flows and hosts for the API, the command line and the feed."""
