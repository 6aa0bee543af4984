"""What attempts report and print: without secrets, within limits, with digests."""
