"""What `make deploy` does, from the log-in to the smoke test: begin with ``run``."""
