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
    GIVEN,
    MECHANISMS,
    Assert,
    Claim,
    Close,
    End,
    Expect,
    Listen,
    Operand,
    Outcome,
    Poll,
    Reconnect,
    Sasl,
    Send,
    SendRaw,
    StartTLS,
)
from conformance.scenario.tree import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.scenario.syntax import Relation, Scenario, Step
    from conformance.scenario.texts import Texts
    from conformance.scenario.tree import Branch

_MODES: dict[str, dict[str, Any]] = {
    "S": {"mode": "must"},
    "S?": {"mode": "may"},
    "S!": {"mode": "must-not"},
    "S>": {"mode": "must", "after_previous": True},
}


def add(scenario: Scenario, body: Branch, texts: Texts) -> Scenario:
    """The scenario with the steps of its tree. Raises `ScenarioError`."""
    names = [connection.name for connection in scenario.connections]
    return dataclasses.replace(scenario, steps=tuple(_step(step, names, texts) for step in body.children))


def _step(step: Branch, names: Sequence[str], texts: Texts) -> Step:
    place = _Place(step.line, step.written, texts)
    *name, body = step.children
    if body.rule == "assertion":
        return _assertion(place, body.children)
    return _RULES[body.rule](place, place.connection(name[0], names), body.children)


@dataclass(frozen=True)
class _Place:
    """Where a step stands, how it is written, and what reads its texts."""

    line: int
    written: str
    texts: Texts

    def connection(self, name: Word | None, names: Sequence[str]) -> str:
        """The connection of the step; it may be left out when there is only one."""
        source, known = self.texts.source, ", ".join(names)
        if name is None:
            if len(names) > 1:
                raise source.error("missing-connection", self.line, known=known)
            return names[0]
        if name.text not in names:
            near = nearest(name.text, names)
            raise source.error("unknown-connection", self.line, word=name.text, near=near, known=known)
        return name.text

    def requirement(self, word: Word | None) -> str | None:
        """The requirement that a step names in brackets."""
        if word is None:
            return None
        name = word.text[1:-1]
        if name == GIVEN:
            return GIVEN
        return header.check_requirement(self.texts.source, Word(name, self.line, word.column + 1))

    def outcomes(self, branches: Sequence[Branch]) -> tuple[Outcome, ...]:
        """The outcomes of an expectation."""
        return tuple(map(self._outcome, branches))

    def _outcome(self, branch: Branch) -> Outcome:
        what, verdict, words = (*branch.children, None, None)[:3]
        worth = (verdict.text if verdict else None, _text(words))
        if branch.rule == "ended":
            return Outcome(End(bye=what.text == "end BYE"), what.text, *worth)
        return Outcome(self.texts.template(what.children), what.written, *worth)


def _send(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    label, *words = children
    return Send(place.line, connection, _text(label), _parts(words, place.texts, place.texts.command))


def _raw(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    return SendRaw(place.line, connection, _parts(children, place.texts, place.texts.octets))


def _parts(words: Sequence[Word], texts: Texts, read: Callable[[Word], str]) -> tuple[Any, ...]:
    """What is sent, neighbouring texts as one."""
    parts: list[Any] = []
    readers = {"LITERAL": texts.literal, "MADE": texts.made}
    for word in words:
        part = readers.get(word.kind, read)(word)
        if parts and isinstance(parts[-1], str) and isinstance(part, str):
            parts[-1] += part
        else:
            parts.append(part)
    return tuple(parts)


def _expect(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    mark, label, requirement, *outcomes = children
    return Expect(
        place.line,
        connection,
        _text(label),
        outcomes=place.outcomes(outcomes),
        requirement=place.requirement(requirement),
        source=place.written,
        **_MODES[mark.text],
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


def _sasl(place: _Place, connection: str, children: Sequence[Any]) -> Step:
    requirement, mechanism, password = children
    if mechanism.text not in MECHANISMS:
        near, known = nearest(mechanism.text, MECHANISMS), ", ".join(MECHANISMS)
        source = place.texts.source
        raise source.error(
            "unknown-mechanism", place.line, mechanism.column, word=mechanism.text, near=near, known=known
        )
    return Sasl(
        place.line,
        connection,
        mechanism.text,
        place.texts.command(password) if password else "",
        place.requirement(requirement),
        place.written,
    )


def _assertion(place: _Place, children: Sequence[Any]) -> Step:
    requirement, *claims = children
    return Assert(
        place.line,
        tuple(_claim(place, each) for each in claims),
        place.requirement(requirement),
        place.written,
    )


def _claim(place: _Place, branch: Branch) -> Claim:
    comparison, verdict, words = (*branch.children, None, None)[:3]
    sides = comparison.children
    operands = tuple(_operand(place, side.children[0]) for side in sides[::2])
    relations = tuple(cast("Relation", relation.text) for relation in sides[1::2])
    return Claim(operands, relations, comparison.written, verdict.text if verdict else None, _text(words))


def _operand(place: _Place, word: Word) -> Operand:
    text = place.texts.command(word)
    if word.kind == "HOLE":
        hole, _, accessor = text[2:-1].partition(":")
        return Operand(hole=hole, accessor=accessor)
    if word.kind == "QUOTED":
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return Operand(word=text)


def _text(word: Word | None) -> str:
    return word.text if word else ""


#: How each rule of the grammar becomes a step, given its place, its connection and the children of its tree.
_RULES: dict[str, Callable[[_Place, str, Sequence[Any]], Step]] = {
    "send": _send,
    "raw": _raw,
    "expect": _expect,
    "poll": _poll,
    "sasl": _sasl,
    "listen": lambda place, connection, _: Listen(place.line, connection),
    "reconnect": lambda place, connection, _: Reconnect(place.line, connection),
    "tls": _tls,
    "close": lambda place, connection, _: Close(place.line, connection),
}
