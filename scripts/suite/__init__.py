"""`make test` and `make check`: what they run, how, and what they say."""
