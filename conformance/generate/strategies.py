"""Units as Hypothesis strategies: the simplest alternative first, so that what is found shrinks.

Knows: Hypothesis. Must not know: what a rule stands for.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from conformance.generate.environment import ANYTHING
from conformance.generate.generator import Generator
from conformance.generate.nodes import AS_WRITTEN, MANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.generate.environment import Environment
    from conformance.generate.nodes import Choice, Context, Number, Repeat, Run
    from conformance.grammar import Grammar, Kind

_MORE = st.booleans()
_LONGEST = 40  #: units of a run that has no end


class Drawn:
    """Draws each decision."""

    def __init__(self, draw: st.DrawFn, texts: dict[Run, st.SearchStrategy[str]]) -> None:
        self._draw = draw
        self._texts = texts

    def begin(self) -> int:
        """As the grammar has them."""
        return AS_WRITTEN

    def choose(self, choice: Choice, above: Context, open_: Sequence[int]) -> int:  # noqa: ARG002
        """The cheapest alternative is the simplest."""
        return open_[self._draw(_below(len(open_)))] if len(open_) > 1 else open_[0]

    def times(self, repeat: Repeat, above: Context, least: int, most: int) -> Iterator[None]:  # noqa: ARG002
        """Items one by one, so that each can be left out."""
        yield from [None] * least
        while least < most and self._draw(_MORE):
            yield
            least += 1

    def run(self, run: Run) -> str:
        """A short text is simpler than a long one."""
        if run not in self._texts:
            self._texts[run] = _text(run)
        return self._draw(self._texts[run])

    def number(self, number: Number) -> int:
        """A small number is simpler than a large one."""
        return self._draw(st.integers(number.least, number.most))


@functools.cache
def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


def _text(run: Run) -> st.SearchStrategy[str]:
    most = _LONGEST if run.most == MANY else run.most
    if all(len(unit) == 1 for unit in run.units):
        return st.text(st.sampled_from(run.units), min_size=run.least, max_size=most)
    return st.lists(st.sampled_from(run.units), min_size=run.least, max_size=most).map("".join)


def units(
    kind: Kind, *, grammar: Grammar | None = None, environment: Environment = ANYTHING, rule: str = ""
) -> st.SearchStrategy[bytes]:
    """Units of a kind, as octets."""
    generator = Generator(kind, grammar=grammar, environment=environment, rule=rule)
    texts: dict[Run, st.SearchStrategy[str]] = {}

    @st.composite
    def drawn(draw: st.DrawFn) -> bytes:
        return generator.octets(Drawn(draw, texts))

    return drawn()
