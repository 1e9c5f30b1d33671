"""Settings, processes, ports and servers for `make dev`, the tests and the bench."""
