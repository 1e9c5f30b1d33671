"""The steps of `make deploy`, from the log-in to the smoke test; ``run`` is the entry point."""
