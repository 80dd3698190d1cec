"""Units made from the grammar: responses, greetings and commands that it accepts, and mutants that it may refuse.

One walker (`nodes`) goes through the rules, which `build` makes of the grammar's definitions; who decides on the way is a chooser.
What is generated is accepted by `Grammar.recognise`, always.

Knows: the grammar. Must not know: sockets, clocks, servers. All chance comes from a `random.Random` of the caller.
"""

from __future__ import annotations

from conformance.generate.environment import ANYTHING, PLAIN, Environment
from conformance.generate.generator import Generator, Unit
from conformance.generate.seeds import generate, units

__all__ = ["ANYTHING", "PLAIN", "Environment", "Generator", "Unit", "generate", "units"]
