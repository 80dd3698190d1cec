"""Scenario text <-> data, and templates against responses.

`parse` and `load` make a `syntax.Scenario` of a file; `match` compares what a server sent with what a scenario expects.
A scenario is played elsewhere: nothing here knows a connection.
"""
