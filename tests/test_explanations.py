"""What is said of a refused unit, word for word: the sentences of explanations.txt were read one by one as an author would read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import vectors

from conformance.grammar import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.grammar import Kind


class Explained(NamedTuple):
    kind: Kind
    unit: str
    message: str


def table() -> Iterator[Explained]:
    kind: Kind = "response"
    lines = iter((Path(__file__).parent / "explanations.txt").read_text(encoding="ascii").splitlines())
    for line in lines:
        if line == "# ---- commands":
            kind = "command"
        elif line and not line.startswith("#"):
            yield Explained(kind, line, next(lines).strip())


@pytest.mark.parametrize("explained", list(table()), ids=lambda explained: explained.unit)
def test_the_explanation_is_the_one_that_was_reviewed(explained: Explained) -> None:
    problem = load().explain(explained.kind, vectors.octets(explained.unit))
    assert problem is not None
    assert problem.message == explained.message


def test_there_are_fifty_and_more() -> None:
    assert len(list(table())) >= 50
