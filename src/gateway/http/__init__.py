"""Requests, responses, headers, errors, CORS, JSON, server-sent events, log events.

The bottom package: it imports no other.
"""
