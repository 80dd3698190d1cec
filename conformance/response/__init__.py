"""Octets of one unit -> Response, generic, so that a new extension adds a grammar file and nothing here.

Knows: value types, how the tokens of a tree fold into them, how to make the best of a refused unit. Must not know: what a response
means.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.grammar import Refused
from conformance.response.fold import from_tree
from conformance.response.skeleton import skeleton
from conformance.response.values import (
    UNORDERED,
    Atom,
    Code,
    Hole,
    Kind,
    List,
    Nil,
    Number,
    Response,
    Rest,
    String,
    Value,
)

if TYPE_CHECKING:
    from conformance import grammar as g

__all__ = [
    "UNORDERED",
    "Atom",
    "Code",
    "Hole",
    "Kind",
    "List",
    "Nil",
    "Number",
    "Response",
    "Rest",
    "String",
    "Value",
    "fetch_items",
    "from_tree",
    "read",
    "template",
]


def read(
    grammar: g.Grammar, octets: bytes, kind: g.Kind = "response", *, problem: g.Problem | None = None
) -> Response:
    """One unit as a response. Never raises: what the grammar refuses is a response with a `problem`, read tolerantly.

    `problem` is what the cutter already found; such a unit is not parsed.
    """
    if problem is None:
        try:
            return from_tree(grammar.parse(kind, octets), octets)
        except Refused as refused:
            problem = refused.problem
    return replace(skeleton(octets), problem=problem)


def template(grammar: g.Grammar, text: str) -> Response:
    """A template of a scenario: a response without CRLF, with `Hole` and `Rest` among its values.

    Raises `Refused`; its problem's offset counts characters of `text`.
    """
    return from_tree(grammar.template(text), text.encode())


def fetch_items(response: Response) -> dict[str, Value]:
    """The name-value pairs of a FETCH or STATUS response by name (upper case); empty if there are none.

    A name that occurs twice has its last value; `Rest` in a template is left out.
    """
    pairs = response.items[-1] if response.items else None
    if not isinstance(pairs, List):
        return {}
    names, values = pairs.values[::2], pairs.values[1::2]
    return {name.key: value for name, value in zip(names, values, strict=False) if isinstance(name, Atom)}
