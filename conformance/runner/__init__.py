"""Plays scenarios against a server: journal entries and verdicts come out.

Reading order: `plan` (what), `conduct` (the controlling side), `stage` (where cases are played), `player` (one play), `lane` and
`client` (one connection of it), `ledger` (marks become verdicts), `findings` (always-on checks over a run).
Must not know: pytest, the command line.
"""
