"""How fast units are generated, what of them is valid, how large the directed sets are, how well failures shrink.

    python benchmarks/generate.py [--long]

Times are of the processor, the best of several interleaved rounds; absolute figures mean little, ratios more. `--long` judges
100,000 units and as many mutants of each kind, and lets Hypothesis search.
"""

# ruff: noqa: S311 - variety, not secrecy
from __future__ import annotations

import argparse
import re
import sys
import time
import warnings
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from conformance.generate import Generator, strategies
from conformance.generate.choosers import Chance
from conformance.generate.directed import directed
from conformance.generate.mutate import mutants
from conformance.grammar.compose import compose, files

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.grammar import Kind

KINDS: tuple[Kind, ...] = ("command", "response", "greeting")
ROUNDS = 5
QUIET = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck))


def rate(make: Callable[[int], list[bytes]], count: int) -> tuple[float, list[bytes]]:
    """Units a second, and the units."""
    begun = time.process_time()
    made = make(count)
    return len(made) / (time.process_time() - begun), made


def drawn(strategy: st.SearchStrategy[bytes]) -> Callable[[int], list[bytes]]:
    """What Hypothesis draws."""

    def make(count: int) -> list[bytes]:
        found: list[bytes] = []

        @settings(QUIET, max_examples=count, phases=[Phase.generate], derandomize=True)
        @given(strategy)
        def note(octets: bytes) -> None:
            found.append(octets)

        note()
        return found

    return make


def lark_strategy(kind: Kind) -> st.SearchStrategy[bytes]:
    """Hypothesis' own generator over the same grammar: literals without their octets, so most units with one are wrong."""
    rule = {"command": "command", "response": "response_unit", "greeting": "greeting"}[kind]
    lark = compose(files(("rfc3501",), commands=kind == "command"), (rule,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = from_lark(
            lark, start=rule, explicit={"NEVER": st.nothing()}, alphabet=st.characters(max_codepoint=255)
        )
    return text.map(lambda t: t.encode("latin-1"))


def speed(kind: Kind) -> None:
    """Rates of all generators, in turns."""
    generator = Generator(kind)
    chance = Chance(Random(1))
    labelled = mutants(generator, Random(1))
    makers: dict[str, tuple[Callable[[int], list[bytes]], int]] = {
        "chance": (lambda n: [generator.octets(chance) for _ in range(n)], 20_000),
        "mutants, labelled": (lambda n: [m.octets for m in islice(labelled, n)], 2_000),
        "Hypothesis draws": (drawn(strategies.units(kind)), 300),
        "from_lark": (drawn(lark_strategy(kind)), 300),
    }
    rounds = [{name: rate(make, count) for name, (make, count) in makers.items()} for _ in range(ROUNDS)]
    best = {name: max(figures[name][0] for figures in rounds) for name in makers}
    for name, (_, made) in rounds[0].items():
        valid = sum(generator.grammar.recognise(kind, u) for u in made) / len(made)
        lengths = f"mean {sum(map(len, made)) / len(made):5.1f} octets, longest {max(map(len, made)):5}"
        print(
            f"{kind:9} {name:18} {best[name]:9,.0f}/s {best[name] / best['from_lark']:7.1f}x  "
            f"valid {valid:.3f}  {lengths}, distinct {len(set(made)) / len(made):.2f}"
        )


def sizes(kind: Kind) -> None:
    """Directed sets."""
    generator = Generator(kind)
    for goal in ("alternatives", "pairs"):
        begun = time.process_time()
        units, goals = directed(generator, pairs=goal == "pairs")
        took = time.process_time() - begun
        refused = sum(not generator.grammar.recognise(kind, u) for u in units)
        print(
            f"{kind:9} {goals:4} {goal:12} {len(units):4} units, {sum(map(len, units)):6,} octets, {took:.3f} s, {refused} refused"
        )


def judged(kind: Kind, count: int) -> None:
    """Many units and mutants: what is not valid, and what is."""
    generator = Generator(kind)
    chance = Chance(Random(2))
    refused = sum(not generator.grammar.recognise(kind, generator.octets(chance)) for _ in range(count))
    valid = sum(m.valid for m in islice(mutants(generator, Random(3)), count))
    print(f"{kind:9} {refused} of {count:,} units refused; {valid:,} of {count:,} mutants accepted")


def shrinking() -> None:
    """The smallest FETCH with a literal that Hypothesis finds."""
    wanted = re.compile(rb"\* [0-9]+ FETCH .*BODY\[[^\]]*\](<[0-9]+>)? \{", re.DOTALL)
    for name, strategy in (("draws", strategies.units("response")), ("from_lark", lark_strategy("response"))):
        for seed in range(3):
            begun = time.process_time()
            try:
                found = hypothesis.find(
                    strategy,
                    lambda u: wanted.search(u) is not None,
                    settings=settings(QUIET, max_examples=20_000),
                    random=Random(seed),
                )
            except hypothesis.errors.NoSuchExample:
                found = b""
            print(
                f"shrink    {name:18} {len(found):4} octets {time.process_time() - begun:5.1f} s  {found!r}"
            )


def main() -> None:
    """Everything, one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, processor time, best of {ROUNDS}; ratios to from_lark")
    for kind in KINDS:
        speed(kind)
    for kind in KINDS:
        sizes(kind)
    for kind in KINDS:
        judged(kind, 100_000 if options.long else 5_000)
    if options.long:
        shrinking()


if __name__ == "__main__":
    main()
