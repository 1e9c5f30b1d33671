"""`make key`, `make keys`, `make key-rotate`, `make key-revoke`: keys in a running gateway, or in a file."""
