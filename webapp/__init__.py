"""The dashboard's files, a package so that they are found wherever floe is installed. No code."""
