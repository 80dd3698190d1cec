"""`imapspec score`: which expectations of recorded plays can fail, and whether any is turned by what it must not depend on."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import journal
from conformance.errors import NothingSelectedError
from conformance.runner.score import Score, plays, score

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from conformance.runner.score import Recorded

_LATEST = Path("imapspec-report", "run.jsonl")


def score_(options: Namespace) -> int:
    """Say what nothing turns, what a rewriting turns, and how many expectations can fail."""
    files = [Path(word) for word in options.words if word.endswith(".jsonl")]
    ids = [word for word in options.words if not word.endswith(".jsonl")]
    total = Score()
    for path in files or [_LATEST]:
        for one in _scores(_spread(plays(journal.read(path), ids), options.sample), options.workers):
            total.take(one)
    if not total.known:
        raise NothingSelectedError("no case that was played is selected.")
    for each in total.never_failed:
        print(f"{each.path}:{each.line}: nothing turns this: {each.source}  [{each.requirement}]")
    for words in total.changed:
        print(f"{words}")
    for each in sorted(total.unreached, key=lambda each: (each.case, each.line)) if options.verbose else ():
        print(f"{each.path}:{each.line}: not reached: {each.source}  [{each.requirement}]")
    reached, turned = len(total.reached), len(total.reached & total.turned.keys())
    share = 100 * turned / reached if reached else 0.0
    print(
        f"{turned} of {reached} expectations can fail ({share:.2f} %); {len(total.unreached)} were not reached; "
        f"{len(total.changed)} verdicts depend on how a thing is said; {total.plays} plays"
    )
    wrong = reached - turned + len(total.changed)
    code = int(bool(wrong))
    meaning = f"{wrong} to be mended" if wrong else "all as it must be"
    print(f"imapspec: exit {code} ({meaning})", file=sys.stderr)
    return code


def _spread(recorded: Sequence[Recorded], count: int) -> Sequence[Recorded]:
    """So many of the plays, at even distances; all for 0."""
    if not 0 < count < len(recorded):
        return recorded
    return [recorded[n * len(recorded) // count] for n in range(count)]


def _scores(recorded: Sequence[Recorded], workers: int) -> Iterator[Score]:
    if workers < 2:
        yield from map(score, recorded)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(score, recorded, chunksize=4)
