"""What people do to runs of judged flows."""
