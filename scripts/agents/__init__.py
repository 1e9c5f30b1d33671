"""Runs real coding agents against failing models, with and without the gateway."""
