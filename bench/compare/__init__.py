"""`make compare`: this gateway beside others that can be run here, before the same upstream."""
