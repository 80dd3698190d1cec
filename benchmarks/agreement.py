"""Many units through every engine and every oracle: do they agree, does none hang, does memory stay flat?

    IMAPSPEC_RFC_DIR=FOLDER python benchmarks/agreement.py [COUNT] [--seed N]

A third of the units are as generated, a third have edits to their tree, a third have edits to their octets. The engines are
the recogniser, the automaton alone, and the parser, whose tree has to hold the text of the unit. The oracles are the package `abnf`
(the ABNF of RFC 3501 where the environment names a folder of RFC texts, that of RFC 9051 otherwise), imap-codec, and for one unit in
a hundred, if it is small, Earley's algorithm. What they are, and what their differences mean, stands in tests/oracles.py,
tests/amendments.py and tests/differences.py. Ends with 1 if there was a difference without an explanation.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
from collections import Counter
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from lark import Token

from conformance.generate import Generator, units
from conformance.generate.mutate import mutants
from conformance.grammar import Refused, load

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import amendments
import differences
import oracles
import vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.grammar import Kind

GRAMMAR = load()
#: Of a hundred units, how many are of each kind.
SHARES: dict[Kind, int] = {"response": 50, "command": 40, "greeting": 10}
SLOW, SMALL = 100, 80  #: one unit in so many goes through Earley, if it has no more octets


def made(kind: Kind, count: int, seed: int) -> Iterator[bytes]:
    """The units of one kind."""
    random = Random(seed)  # noqa: S311 - variety, not secrecy
    third = count // 3
    yield from islice(units(kind, random), count - 2 * third)
    yield from (mutant.octets for mutant in islice(mutants(Generator(kind), random), third))
    collected = {
        "response": [*vectors.accepted(), *(vector.octets for vector in vectors.refused())],
        "command": [*vectors.accepted_commands(), *(vector.octets for vector in vectors.refused("commands"))],
        "greeting": [b"* OK hi\r\n", b"* PREAUTH [ALERT] hi\r\n", b"* BYE no\r\n"],
    }[kind]
    yield from oracles.mutants([*collected, *islice(units(kind, random), 2000)], third, seed)


def parses(kind: Kind, unit: bytes) -> bool:
    """Whether the parser makes a tree of a unit; it then holds the unit's text."""
    try:
        tree = GRAMMAR.parse(kind, unit)
    except Refused:
        return False
    text, end = bytearray(), 0
    for token in tree.scan_values(lambda value: isinstance(value, Token)):
        between = unit[end : token.start_pos]
        assert not between.strip(b" \r\n"), unit
        text += between + token.encode("latin-1")
        end = token.end_pos
    assert text + unit[end:] == unit, unit
    return True


class Judge:
    """An engine or oracle: how many units it saw and accepted, how long it took, and its slowest unit."""

    def __init__(self, name: str, verdict: Callable[[Kind, bytes], bool]) -> None:
        self.name, self._verdict = name, verdict
        self.seen, self.accepted, self.seconds, self.slowest = 0, 0, 0.0, (0.0, b"")

    def __call__(self, kind: Kind, unit: bytes) -> bool:
        """Its verdict."""
        begun = time.perf_counter()
        accepted = self._verdict(kind, unit)
        took = time.perf_counter() - begun
        self.seen += 1
        self.accepted += accepted
        self.seconds += took
        self.slowest = max(self.slowest, (took, unit))
        return accepted


def memory() -> int:
    """What the process occupies now, in KiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // 1024


def main() -> int:
    """Print counts; 1 if something disagrees without an explanation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=3501)
    options = parser.parse_args()

    folder = oracles.folder()
    name, rules = ("RFC 3501", oracles.rfc3501(folder)) if folder else ("RFC 9051", oracles.rfc9051())
    rules = amendments.amended(
        rules, (*amendments.READABLE, *amendments.STRICT) if folder else amendments.REV1
    )
    ours = Judge("recogniser", GRAMMAR.recognise)
    engines = [
        Judge("automaton", lambda kind, unit: GRAMMAR.explain(kind, unit) is None),
        Judge("parser", parses),
    ]
    abnf, earley = (
        Judge(f"abnf, {name}", oracles.with_abnf(rules)),
        Judge("Earley", oracles.with_earley(rules)),
    )
    codec = Judge("imap-codec", oracles.with_imap_codec())
    explained, unexplained, sizes = Counter[str](), list[tuple[str, bytes]](), list[int]()

    everything = chain.from_iterable(
        ((kind, unit) for unit in made(kind, options.count * share // 100, options.seed))
        for kind, share in SHARES.items()
    )
    for number, (kind, unit) in enumerate(everything):
        if number % (options.count // 10) == 0:
            sizes.append(memory())
        accepted = ours(kind, unit)
        slow = [earley] if number % SLOW == 0 and len(unit) <= SMALL else []
        unexplained += [
            (judge.name, unit) for judge in (*engines, abnf, *slow) if judge(kind, unit) != accepted
        ]
        if codec(kind, unit) != accepted:
            reasons = differences.explained(kind, unit, GRAMMAR.recognise, oracles.with_imap_codec())
            explained.update([" + ".join(reasons)] if reasons else [])
            unexplained += [] if reasons else [(codec.name, unit)]
    sizes.append(memory())

    for judge in (ours, *engines, abnf, earley, codec):
        took, unit = judge.slowest
        print(
            f"{judge.name:16} {judge.seen:7} units, {judge.accepted:6} accepted, {judge.seconds:7.1f} s; "
            f"slowest {took * 1000:.0f} ms, {len(unit)} octets"
        )
    print("memory, KiB:", *sizes)
    for names, count in explained.most_common():
        print(f"{count:7} {names}")
    print(f"{len(unexplained)} without an explanation")
    for judge_name, unit in unexplained[:50]:
        print(" ", judge_name, unit[:300])
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
