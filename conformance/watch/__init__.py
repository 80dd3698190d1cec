"""Somebody else's client and server, watched on the way: the traffic goes through unchanged, and grammar and checks look at it.

`commands` cuts what the client sends, `extensions` says what is beyond the grammar, `observer` is the brain of one connection, `proxy`
carries the octets.
"""
