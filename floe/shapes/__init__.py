"""JSON shapes of runs, nodes, flows and hosts for the API, the command line and the feed."""
