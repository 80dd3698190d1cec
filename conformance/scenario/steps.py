"""The steps of a scenario: from the tree of its text to `syntax.Step`.

Knows: how each rule of the grammar becomes a step. Must not know: what the order of steps means.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from conformance.errors import nearest
from conformance.scenario import header
from conformance.scenario.syntax import (
    Assert,
    Close,
    End,
    Expect,
    Literal8,
    Operand,
    Outcome,
    Poll,
    Reconnect,
    Send,
    SendRaw,
    StartTLS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lark import Token, Tree

    from conformance.scenario.syntax import Relation, Scenario, Step
    from conformance.scenario.texts import Texts

_MODES: dict[str, dict[str, Any]] = {
    "S": {"mode": "must"},
    "S?": {"mode": "may"},
    "S!": {"mode": "must-not"},
    "S>": {"mode": "must", "after_previous": True},
}


def add(scenario: Scenario, body: Tree[Token], texts: Texts) -> Scenario:
    """The scenario with the steps of its tree. Raises `ScenarioError`."""
    names = [connection.name for connection in scenario.connections]
    steps = tuple(_step(tree, names, texts) for tree in _trees(body.children))
    return dataclasses.replace(scenario, steps=steps)


def _step(tree: Tree[Token], names: Sequence[str], texts: Texts) -> Step:
    *name, rule = _trees(tree.children)
    place = _Place(tree.meta.line, texts.source.text[tree.meta.start_pos : tree.meta.end_pos], texts)
    if rule.data == "assertion":
        return _assertion(place, rule.children)
    return _RULES[rule.data](
        place, place.connection(cast("Sequence[Token | None]", name)[0], names), rule.children
    )


@dataclass(frozen=True)
class _Place:
    """Where a step stands, how it is written, and what reads its texts."""

    line: int
    written: str
    texts: Texts

    def connection(self, name: Token | None, names: Sequence[str]) -> str:
        """The connection of the step; it may be left out when there is only one."""
        source, known = self.texts.source, ", ".join(names)
        if name is None:
            if len(names) > 1:
                raise source.error("missing-connection", self.line, known=known)
            return names[0]
        if name not in names:
            raise source.error(
                "unknown-connection", self.line, word=name, near=nearest(name, names), known=known
            )
        return str(name)

    def requirement(self, token: Token | None) -> str | None:
        """The requirement that a step names in brackets."""
        if token is None:
            return None
        word = header.Word(token[1:-1], self.line, _column(token) + 1)
        return header.check_requirement(self.texts.source, word)

    def outcomes(self, trees: Sequence[Any]) -> tuple[Outcome, ...]:
        """The outcomes of an expectation."""
        return tuple(self._outcome(tree) for tree in trees)

    def _outcome(self, tree: Tree[Any]) -> Outcome:
        what, verdict, words = (*tree.children, None, None)[:3]
        worth = {"verdict": str(verdict), "words": str(words or "")} if verdict else {}
        if tree.data == "ended":
            return Outcome(End(bye=what == "end BYE"), str(what), **worth)
        written = self.texts.source.text[what.meta.start_pos : what.meta.end_pos]
        return Outcome(self.texts.template(what.children), written, **worth)


def _send(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    label, *tokens = children
    parts: list[str | Literal8] = [""]
    for token in tokens:
        if token.type == "LITERAL":
            parts += [place.texts.literal(token), ""]
        else:
            parts[-1] = f"{parts[-1]}{place.texts.command(token)}"
    return Send(place.line, connection, str(label or ""), tuple(part for part in parts if part))


def _raw(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    return SendRaw(place.line, connection, "".join(map(place.texts.octets, children)))


def _expect(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    mark, label, requirement, *outcomes = children
    return Expect(
        place.line,
        connection,
        str(label or ""),
        outcomes=place.outcomes(outcomes),
        requirement=place.requirement(requirement),
        source=place.written,
        **_MODES[mark],
    )


def _poll(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    requirement, *outcomes = children
    return Poll(
        place.line, connection, place.outcomes(outcomes), place.requirement(requirement), place.written
    )


def _tls(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    requirement, *outcomes = children
    return StartTLS(
        place.line, connection, place.outcomes(outcomes), place.requirement(requirement), place.written
    )


def _assertion(place: _Place, children: Sequence[Any]) -> Step:
    requirement, *sides = children
    operands = tuple(_operand(place, side.children[0]) for side in sides[::2])
    relations = tuple(cast("Relation", str(relation)) for relation in sides[1::2])
    return Assert(place.line, operands, relations, place.requirement(requirement), place.written)


def _operand(place: _Place, token: Token) -> Operand:
    text = place.texts.command(token)
    if token.type == "HOLE":
        hole, _, accessor = text[2:-1].partition(":")
        return Operand(hole=hole, accessor=accessor)
    if token.type == "QUOTED":
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return Operand(word=text)


#: How each rule of the grammar becomes a step, given its place, its connection and the children of its tree.
_RULES: dict[str, Callable[[_Place, str, Sequence[Any]], Step]] = {
    "send": _send,
    "raw": _raw,
    "expect": _expect,
    "poll": _poll,
    "reconnect": lambda place, connection, _: Reconnect(place.line, connection),
    "tls": _tls,
    "close": lambda place, connection, _: Close(place.line, connection),
}


def _trees(children: Sequence[Any]) -> Sequence[Tree[Token]]:
    """Children that are all trees by the grammar, for the type checker."""
    return cast("Sequence[Tree[Token]]", children)


def _column(token: Token) -> int:
    assert token.column is not None
    return token.column
