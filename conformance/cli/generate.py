"""`imapspec generate`: units made from the grammar, as octets on standard output, or as JSON lines."""

from __future__ import annotations

import json
import sys
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

from conformance.errors import UsageError
from conformance.generate import Generator
from conformance.generate.choosers import Chance
from conformance.generate.directed import directed
from conformance.generate.mutate import mutants

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    #: Octets, and what else is said of them in JSON.
    Made = tuple[bytes, dict[str, object]]


def generate(options: Namespace) -> int:
    """Write the units; say on standard error what they are."""
    generator = Generator(options.kind, rule=options.rule)
    if options.mutate and (options.directed or options.rule):
        raise UsageError("--mutate goes with neither --directed nor --rule: only whole units can be judged.")
    if options.directed:
        made, about = _directed(generator, options.directed)
    else:
        made = _at_random(generator, Random(options.seed), options.count, mutate=options.mutate)  # noqa: S311 - variety
        about = f"seed {options.seed}"
    number = valid = 0
    for octets, words in made:
        number += 1
        valid += bool(words.get("valid", True))
        if options.json:
            print(json.dumps({"octets": octets.decode("latin-1"), **words}))
        else:
            sys.stdout.buffer.write(octets + b"\n" if options.rule else octets)
    sys.stdout.flush()
    labels = f"{valid} valid, {number - valid} not; " if options.mutate else ""
    print(f"imapspec: exit 0 ({_counted(number, options.kind)}; {labels}{about})", file=sys.stderr)
    return 0


def _at_random(generator: Generator, random: Random, count: int, *, mutate: bool) -> Iterator[Made]:
    if mutate:
        for mutant in islice(mutants(generator, random), count):
            yield mutant.octets, {"valid": mutant.valid, "edits": mutant.edits}
    else:
        chooser = Chance(random)
        for _ in range(count):
            yield generator.octets(chooser), {}


def _directed(generator: Generator, wanted: str) -> tuple[Iterator[Made], str]:
    """The set that is wanted, and the sizes of both."""
    sets = {goal: directed(generator, pairs=goal == "pairs") for goal in ("alternatives", "pairs")}
    sizes = (f"{len(units)} cover all {number} {goal}" for goal, (units, number) in sets.items())
    return ((octets, {}) for octets in sets[wanted][0]), ", ".join(sizes)


def _counted(number: int, kind: str) -> str:
    return f"{number} {kind}{'s' * (number != 1)}"
