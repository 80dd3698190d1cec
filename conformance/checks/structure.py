"""Body structures: what fields a part of some type has, and how BODY and BODYSTRUCTURE agree (RFC 3501 section 7.4.2).

Everything here is a loop: the server decides how deep its structures are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.response import List, Number, String

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.grammar import Problem
    from conformance.response import Response, Value

    Fields = tuple[Value, ...]

_BASIC = 7  #: type, subtype, parameters, id, description, encoding, octets
_DEFINED = 4  #: extension fields that the RFC defines
_STRUCTURES = ("BODY", "BODYSTRUCTURE")

#: What a media type has behind the basic fields.
_FURTHER: dict[str, tuple[type[Value], ...]] = {"TEXT": (Number,), "MESSAGE/RFC822": (List, List, Number)}
_SHOWN = {"TEXT": "the number of lines", "MESSAGE/RFC822": "envelope, body and number of lines"}
_MISSING = {"TEXT": "text-without-lines", "MESSAGE/RFC822": "message-without-envelope"}


def structures(response: Response) -> list[tuple[str, Fields]]:
    """The BODY and BODYSTRUCTURE items of a FETCH, with their fields."""
    return [(n, v.values) for n, v in data.pairs(response) if n in _STRUCTURES and isinstance(v, List)]


def _upper(value: Value | None) -> str:
    return value.octets.decode("latin-1").upper() if isinstance(value, String) else ""


def _kind(fields: Fields) -> str:
    """TEXT or MESSAGE/RFC822, the types with further fields; "" for all others and for a multipart."""
    main, sub = [_upper(value) for value in (*fields, None, None)[:2]]
    return "TEXT" if main == "TEXT" else "MESSAGE/RFC822" if (main, sub) == ("MESSAGE", "RFC822") else ""


def _is_multipart(fields: Fields) -> bool:
    """Whether it is told as a multipart with the fields of other parts, as some servers tell one without parts."""
    return bool(fields) and _upper(fields[0]) == "MULTIPART"


def subparts(fields: Fields) -> list[Fields]:
    """The parts of a multipart; none for any other part."""
    found: list[Fields] = []
    for value in fields:
        if not isinstance(value, List):
            break
        found.append(value.values)
    return found


def _inner(fields: Fields) -> Fields | None:
    """The body of the message in a MESSAGE/RFC822 part."""
    body = fields[_BASIC + 1] if _kind(fields) == "MESSAGE/RFC822" and len(fields) > _BASIC + 1 else None
    return body.values if isinstance(body, List) else None


def _walk(fields: Fields) -> Iterator[Fields]:
    """The part and all within it, messages in messages too."""
    waiting = [fields]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed(subparts(part))
        if inner := _inner(part):
            waiting.append(inner)


def _extension(fields: Fields) -> Fields:
    """The extension data of one part."""
    parts = len(subparts(fields))
    return fields[parts + 1 if parts else _BASIC + len(_FURTHER.get(_kind(fields), ())) :]


def type_fields(response: Response) -> Outcome:
    """TEXT has its lines behind the basic fields, MESSAGE/RFC822 envelope, body and lines, however the type is written."""
    found = structures(response)
    for name, structure in found:
        for part in _walk(structure):
            kind = "" if subparts(part) else _kind(part)
            needed = _FURTHER.get(kind, ())
            there = part[_BASIC : _BASIC + len(needed)]
            if not (len(there) == len(needed) and all(map(isinstance, there, needed))):
                return Broken(
                    _MISSING[kind], f"{_SHOWN[kind]} behind the basic fields of {kind}", f"{name} without it"
                )
    return HOLDS if found else None


#: Where the grammar stops at a part that lacks these fields.
_STOPS = frozenset({"body-type-text", "body-fld-lines", "body-type-msg", "envelope", "body"})


def lacks_type_fields(response: Response, problem: Problem) -> bool:
    """Whether this is what the grammar refuses. (The bare ABNF would take such a part for one of a basic type.)"""
    return problem.rule in _STOPS and isinstance(type_fields(response), Broken)


def body_without_extension(response: Response) -> Outcome:
    """BODY has no extension data, in none of its parts."""
    bodies = [structure for name, structure in structures(response) if name == "BODY"]
    for body in bodies:
        if any(_extension(part) for part in _walk(body)):
            return Broken("extension-data", "BODY without extension data", "BODY with it")
    return HOLDS if bodies else None


def defined_extension_only(response: Response) -> Outcome:
    """A server sends no extension data behind the body location."""
    found = structures(response)
    for name, structure in found:
        if any(len(_extension(part)) > _DEFINED for part in _walk(structure)):
            return Broken("undefined", "no extension data behind the body location", f"more of it in {name}")
    return HOLDS if found else None


def multipart_nested(response: Response) -> Outcome:
    """A multipart is told by its parts in place of a body type."""
    found = structures(response)
    for name, structure in found:
        if any(_upper(part[0]) == "MULTIPART" for part in _walk(structure) if part):
            return Broken(
                "as-a-type",
                "a multipart as its parts and its subtype",
                f'"MULTIPART" as a body type in {name}',
            )
    return HOLDS if found else None


def body_as_bodystructure(response: Response) -> Outcome:
    """BODY is BODYSTRUCTURE without extension data (asked where one response tells both)."""
    told = dict(structures(response))
    if len(told) < len(_STRUCTURES):
        return None
    parts = zip(_walk(told["BODY"]), _walk(told["BODYSTRUCTURE"]), strict=False)
    counts = [sum(1 for _ in _walk(told[name])) for name in _STRUCTURES]
    if counts[0] == counts[1] and all(_own(one) == _own(other) for one, other in parts):
        return HOLDS
    return Broken("differs", "BODY with the fields of BODYSTRUCTURE, extension data apart", "other fields")


def _own(part: Fields) -> Fields:
    """What a part tells of itself, without the parts in it and extension data; MIME words have no case (RFC 2045, section 5.1)."""
    parts = subparts(part)
    if parts:
        return (Number(len(parts)), *map(_caseless, part[len(parts) : len(parts) + 1]))
    fields = part[: len(part) - len(_extension(part))]
    return (*map(_caseless, fields[:_BASIC]), *fields[_BASIC : _BASIC + 1], *fields[_BASIC + 2 :])


def _caseless(value: Value) -> Value:
    if isinstance(value, List):  # of parameters, which are strings
        return List(tuple(map(_caseless, value.values)))
    return String(value.octets.upper()) if isinstance(value, String) else value


def leaves(structure: Fields) -> dict[str, Fields]:
    """The parts that are no multipart by the section that fetches their text (section 6.4.5).

    Left out is what section 6.4.5 does not number beyond doubt: a message that is nothing but a message in a message, and a
    multipart without parts.
    """
    found: dict[str, Fields] = {}
    waiting = [("", structure)]
    if not subparts(structure) and not _is_multipart(structure):
        found["TEXT"] = structure
        if _kind(structure) != "MESSAGE/RFC822":
            found["1"] = structure
    while waiting:
        above, fields = waiting.pop()
        for n, part in enumerate(subparts(fields), 1):
            section = f"{above}{n}"
            if subparts(part):
                waiting.append((f"{section}.", part))
                continue
            if _is_multipart(part):
                continue
            found[section] = part
            inner = _inner(part)
            if inner is not None and subparts(inner):
                waiting.append((f"{section}.", inner))
            elif inner is not None and _kind(inner) != "MESSAGE/RFC822":
                found[f"{section}.1"] = inner
    return found


def body_size(response: Response) -> Outcome:
    """The size of a part is that of the text which BODY[section] returns (asked where one response tells both)."""
    asked = False
    for section, fields, text in _told(response):
        size = fields[_BASIC - 1]
        asked = True
        if size != Number(len(text)):
            return Broken("differs", f"a size of {len(text)} octets for part {section}", _octets(size))
    return HOLDS if asked else None


def _told(response: Response) -> Iterator[tuple[str, Fields, bytes]]:
    """The parts of which the response tells the text, too: section, fields and text."""
    texts = {name[5:-1]: text for name, text in data.texts(response).items() if name.startswith("BODY[")}
    for _, structure in structures(response):
        known = leaves(structure)
        for section in sorted(texts.keys() & known.keys()):
            yield section, known[section], texts[section]


def body_lines(response: Response) -> Outcome:
    """The lines of a part are those of the text which BODY[section] returns (asked where one response tells both).

    Not asked about texts with other line ends than CR LF, and texts of nothing.
    """
    asked = False
    for section, fields, text in _told(response):
        kind, breaks = _kind(fields), text.count(b"\r\n")
        if not kind or not text or not breaks == text.count(b"\r") == text.count(b"\n"):
            continue
        place = _BASIC + len(_FURTHER[kind]) - 1
        lines = fields[place] if len(fields) > place else None
        if not isinstance(lines, Number):
            continue
        asked = True
        more = 0 if text.endswith(b"\r\n") else 1
        if not breaks <= lines.value <= breaks + more:
            wanted = f"{breaks} or {breaks + 1}" if more else f"{breaks}"
            return Broken("differs", f"{wanted} lines for part {section}", f"{lines.value} lines")
    return HOLDS if asked else None


def _octets(size: Value) -> str:
    return f"{size.value} octets" if isinstance(size, Number) else "none"
