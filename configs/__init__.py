"""The packaged default config and the examples, found wherever floe is installed. No code."""
