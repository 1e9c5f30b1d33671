"""Requests, responses, headers, errors, CORS, JSON, server-sent events, log events.

This is the bottom package: it imports from no other package of the gateway.
"""
