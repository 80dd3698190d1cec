"""Who decides at random: chance, for fuzzing.

Knows: how likely what is. Must not know: the grammar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.generate.nodes import AS_WRITTEN, MIXED, SMALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from conformance.generate.nodes import Choice, Context, Number, Repeat, Run

#: How many more than the least; few most of the time.
_MORE = (0,) * 28 + (1,) * 16 + (2,) * 8 + (3,) * 4 + (4, 5, 6, 7, 8, 10, 13, 30)
_CASES = (AS_WRITTEN,) * 6 + (SMALL, MIXED)


class Chance:
    """Decides by a random source: the same source gives the same units."""

    def __init__(self, random: Random) -> None:
        self.source = random
        self._random = random.random

    def begin(self) -> int:
        """Mostly as the grammar has them."""
        return _CASES[int(self._random() * len(_CASES))]

    def choose(self, choice: Choice, above: Context, open_: Sequence[int]) -> int:  # noqa: ARG002
        """Each alternative as likely as the others; a group of them more so."""
        lots = choice.lots if open_ is choice.open else open_
        return lots[int(self._random() * len(lots))]

    def times(self, repeat: Repeat, above: Context, least: int, most: int) -> Iterable[object]:  # noqa: ARG002
        """An optional part as likely as not; of a list, few."""
        if most - least <= 1:
            return range(least + (most > least and self._random() < 0.5))
        return range(min(least + _MORE[int(self._random() * 64)], most))

    def run(self, run: Run) -> str:
        """Three of four times of letters and digits alone."""
        random, least, most = self._random, run.least, run.most
        units = run.common if random() < 0.75 else run.units
        count = len(units)
        if most > least:
            least = min(least + _MORE[int(random() * 64)], most)
        if least == 1:
            return units[int(random() * count)]
        return "".join([units[int(random() * count)] for _ in range(least)])

    def number(self, number: Number) -> int:
        """Small ones, any, and now and then one at an edge."""
        least, most, kind = number.least, number.most, self._random()
        if kind < 0.5:
            return min(least + int(kind * 40), most)
        if kind < 0.9:
            return least + int(self._random() * (most - least + 1))
        return number.edges[int(self._random() * len(number.edges))]
