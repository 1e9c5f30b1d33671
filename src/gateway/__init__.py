"""The gateway's core: plain Python, no JavaScript.

A request goes one way: ``authorize -> parse -> plan -> execute -> normalize -> respond``; ``app.handle`` is
the only place where these stages meet. Verbs are stages, nouns are what passes between them, and ``edge``
is the only package that touches the Workers runtime.
"""
