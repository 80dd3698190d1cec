"""The header of a scenario: keys, their values and the words they accept.

Knows: what each key means. Must not know: steps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from conformance.errors import nearest
from conformance.scenario.mistakes import STEP
from conformance.scenario.syntax import NOT_LOGGED_IN, Connection, Delivery, State, Touches
from conformance.scenario.tree import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.scenario.mistakes import Source
    from conformance.scenario.texts import ReadFile
    from conformance.scenario.tree import Branch

REQUIREMENT = re.compile(r"rfc[1-9][0-9]*/(?:[0-9]+|[A-Z])(?:\.[0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")
_CAPABILITY = re.compile(r"!?[^\s!\"(){}%*\\\[\]]+")
_CONNECTION = re.compile(r"(?P<name>(?![CS](?:@|$))[A-Za-z][A-Za-z0-9]*)(?:@(?P<account>[12]))?")
_MESSAGES = re.compile(r"(?P<count>[0-9]+)(?: +(?P<file>[^\s/]+))?")


def read(source: Source, header: Branch, read_file: ReadFile) -> dict[str, Any]:
    """The header's fields of a `Scenario`, by name."""
    fields: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for field in header.children:
        key, *values = (word for word in field.children if word)
        _check_key(source, key, values, lines)
        lines[key.text] = key.line
        words = [
            Word(word[0], value.line, value.column + word.start())
            for value in values
            for word in re.finditer(r"\S+", value.text)
        ]
        fields |= _KEYS[key.text](source, words)
    for key, example in _REQUIRED.items():
        if key not in lines:
            raise source.error("missing-key", 1, key=key, example=example)
    if "messages" in lines and fields["state"] in (*NOT_LOGGED_IN, "authenticated"):
        raise source.error("no-mailbox", lines["messages"], state=fields["state"])
    if (file := fields.get("message_file")) and read_file(file) is None:
        raise source.error_at("missing-file", lines["messages"], file, word=file)
    return fields


def check_requirement(source: Source, word: Word) -> str:
    """The id of a requirement; only its form is checked here, its existence by the runner."""
    if not REQUIREMENT.fullmatch(word.text):
        raise source.error("malformed-requirement", word.line, word.column, word=word.text)
    return word.text


def _check_key(source: Source, key: Word, values: Sequence[Word], lines: dict[str, int]) -> None:
    word = key.text
    if word not in _KEYS:
        mistake = "missing-blank-line" if STEP.match(source.line(key.line)) else "unknown-key"
        raise source.error(mistake, key.line, word=word, near=nearest(word, _KEYS), known=", ".join(_KEYS))
    if word in lines:
        raise source.error("duplicate-key", key.line, word=word)
    if not values:
        raise source.error("empty-value", key.line, len(word) + 2, word=word)


def _title(_: Source, words: Sequence[Word]) -> dict[str, Any]:
    return {"title": " ".join(word.text for word in words)}


def _proves(source: Source, words: Sequence[Word]) -> dict[str, Any]:
    return {"proves": tuple(check_requirement(source, word) for word in words)}


def _messages(source: Source, words: Sequence[Word]) -> dict[str, Any]:
    text = " ".join(word.text for word in words)
    found = _MESSAGES.fullmatch(text)
    if not found:
        raise source.error("bad-messages", words[0].line, words[0].column, word=text)
    return {"messages": int(found["count"]), "message_file": found["file"] or ""}


def _connections(source: Source, words: Sequence[Word]) -> dict[str, Any]:
    connections: dict[str, Connection] = {}
    for word in words:
        found = _CONNECTION.fullmatch(word.text)
        if not found:
            raise source.error("bad-connection", word.line, word.column, word=word.text)
        if found["name"] in connections:
            raise source.error("connection-twice", word.line, word.column, word=found["name"])
        connections[found["name"]] = Connection(found["name"], int(found["account"] or 1))
    return {"connections": tuple(connections.values())}


def _requires(source: Source, words: Sequence[Word]) -> dict[str, Any]:
    for word in words:
        if not _CAPABILITY.fullmatch(word.text):
            raise source.error("malformed-capability", word.line, word.column, word=word.text)
    return {"requires": tuple(word.text.upper() for word in words)}


def _choice(source: Source, words: Sequence[Word], key: str, known: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if word.text not in known:
            near = nearest(word.text, known)
            raise source.error(
                "unknown-value",
                word.line,
                word.column,
                word=word.text,
                key=key,
                near=near,
                known=", ".join(known),
            )
    return tuple(word.text for word in words)


def _one_of(key: str, known: tuple[str, ...]) -> Callable[[Source, Sequence[Word]], dict[str, Any]]:
    def value(source: Source, words: Sequence[Word]) -> dict[str, Any]:
        chosen = _choice(source, words, key, known)
        if len(chosen) > 1:
            raise source.error("one-value", words[1].line, words[1].column, key=key, known=", ".join(known))
        return {key: chosen[0]}

    return value


def _touches(source: Source, words: Sequence[Word]) -> dict[str, Any]:
    return {"touches": _choice(source, words, "touches", get_args(Touches))}


#: How each key becomes fields of a `Scenario`.
_KEYS: dict[str, Callable[[Source, Sequence[Word]], dict[str, Any]]] = {
    "title": _title,
    "proves": _proves,
    "state": _one_of("state", get_args(State)),
    "messages": _messages,
    "connections": _connections,
    "requires": _requires,
    "delivery": _one_of("delivery", get_args(Delivery)),
    "touches": _touches,
}

#: Keys that every scenario has, with an example.
_REQUIRED = {
    "title": "title: A failed SELECT leaves no mailbox selected",
    "proves": "proves: rfc3501/6.3.1/failed-select-deselects",
    "state": "state: selected",
}
