"""What `make dev` needs, and the tests and the bench with it: settings, processes, ports and servers."""
