"""The scripts behind the Makefile's targets."""
