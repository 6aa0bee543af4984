"""Other floes, behind the port of `base`. What they are told is decided in `hub`."""
