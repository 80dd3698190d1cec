"""What one answer tells of a header, held against the header itself (RFC 3501 sections 6.4.5, 7.4.2).

Asked only where the header leaves no choice: well-formed fields, each there once, on one line, of printable characters.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from conformance.checks import structure
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.checks.data import pairs, texts
from conformance.response import List, Nil, String

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.response import Response, Value

_FIELD = re.compile(rb"([!-9;-~]+):([^\r\n\0]*\r\n(?:[ \t][^\r\n\0]*\r\n)*)")
_FIELDS = re.compile(rb"(?:[!-9;-~]+:[^\r\n\0]*\r\n(?:[ \t]+[^ \t\r\n\0][^\r\n\0]*\r\n)*)*\r\n")
_SUBSET = re.compile(r"BODY\[((?:[0-9]+\.)*)HEADER\.FIELDS(\.NOT)? \(([!-9;-~ ]+)\)\]")
_LINE = re.compile(rb"[ -~]*\r\n")
_ID = re.compile(rb"<[^<>()\" \\,;:@]+@[^<>()\" \\,;:@]+>")
#: With parameters that are beyond doubt, too: a reader may take a field that is broken for none at all (RFC 2045 section 5.2).
_TYPE = re.compile(
    rb"([\w!#$&^.+-]+)/([\w!#$&^.+-]+)(?: *; *[\w!#$&^.+*-]+=(?:[\w!#$&^.+'%*-]+|\"[^\"\\]*\"))* *"
)
_TOKEN = re.compile(rb"[\w-]+")

_STRINGS = {b"SUBJECT": 1, b"IN-REPLY-TO": 8, b"MESSAGE-ID": 9}
_ADDRESSES = {b"TO": 5, b"CC": 6, b"BCC": 7}
#: What is told by what is in it, which may be broken.
_COMPOSITE = frozenset({b"multipart", b"message"})
_UNSTRUCTURED = frozenset({b"SUBJECT", b"CONTENT-DESCRIPTION"})


class Field(NamedTuple):
    """A header field."""

    name: bytes  #: upper case
    octets: bytes  #: the whole field, its line breaks included
    value: bytes  #: what is behind the colon, its line breaks included


def _fields(header: bytes | None) -> list[Field] | None:
    """The fields of a well-formed header; None for any other."""
    if header is None or not _FIELDS.fullmatch(header):
        return None
    return [Field(found[1].upper(), found[0], found[2]) for found in _FIELD.finditer(header)]


def _named(fields: Sequence[Field], name: bytes) -> list[bytes]:
    return [field.value for field in fields if field.name == name]


def header_fields(response: Response) -> Outcome:
    """6.4.5: HEADER.FIELDS has the fields of HEADER with these names, HEADER.FIELDS.NOT the others (in any order)."""
    told = texts(response)
    asked = False
    for item, text in told.items():
        subset = _SUBSET.fullmatch(item)
        fields = _fields(_header(told, subset[1])) if subset else None
        if subset is None or fields is None:
            continue
        asked = True
        names = {name.encode() for name in subset[3].split(" ")}
        wanted = [field.octets for field in fields if (field.name in names) != bool(subset[2])]
        found = _fields(text)
        if found is None or sorted(field.octets for field in found) != sorted(wanted):
            shown = "no header" if found is None else f"{len(found)} fields, or others"
            return Broken("differs", f"{len(wanted)} of {len(fields)} fields and the blank line", shown)
    return HOLDS if asked else None


def _header(told: dict[str, bytes], above: str = "") -> bytes | None:
    header = told.get(f"BODY[{above}HEADER]")
    return told.get("RFC822.HEADER") if header is None and not above else header


def envelope_as_header(response: Response) -> Outcome:
    """7.4.2: ENVELOPE has what the header has, and NIL for what it has not."""
    fields = _fields(_header(texts(response)))
    envelopes = [v.values for n, v in pairs(response) if n == "ENVELOPE" and isinstance(v, List)]
    if fields is None or not envelopes:
        return None
    for name, place in (_STRINGS | _ADDRESSES).items():
        there = _named(fields, name)
        told = envelopes[0][place]
        if name in _STRINGS and (wrong := _wrong(name, there, told)):
            return Broken(*wrong)
        if not there and not isinstance(told, Nil):
            return Broken("absent-and-told", f"NIL: there is no {name.decode()}", "something else")
    return HOLDS


def _wrong(name: bytes, there: list[bytes], told: Value) -> tuple[str, str, str] | None:
    """What is wrong about a string that a header field of this name gives, if it is beyond doubt."""
    shown = name.decode()
    if not there:
        return None if isinstance(told, Nil) else ("absent-and-told", f"NIL: there is no {shown}", "a string")
    value = there[0].strip()
    if len(there) > 1 or not value or b"=?" in value or not _LINE.fullmatch(there[0]):
        return None
    if name not in _UNSTRUCTURED and not _ID.fullmatch(value):
        return None
    if isinstance(told, String) and told.octets.strip() == value:
        return None
    return "differs", f"{shown} as in the header", "NIL" if isinstance(told, Nil) else "another string"


def body_as_header(response: Response) -> Outcome:
    """7.4.2: the basic fields of a part are those of its header (the message itself, and parts of the outermost multipart)."""
    told = texts(response)
    asked = False
    for fields, part in _parts(response, told):
        asked = True
        if wrong := _basic(fields, part):
            return Broken(*wrong)
    return HOLDS if asked else None


def _parts(response: Response, told: dict[str, bytes]) -> Iterator[tuple[list[Field], structure.Fields]]:
    """The parts that are no multipart, with the fields of their header where these are told, too, and well-formed."""
    for _, root in structure.structures(response):
        known = structure.leaves(root)
        if not structure.subparts(root):
            fields = _fields(_header(told))
            if fields is not None and _named(fields, b"MIME-VERSION") == [b" 1.0\r\n"]:
                yield fields, known["TEXT"]
            continue
        for n in range(1, len(structure.subparts(root)) + 1):
            fields = _fields(told.get(f"BODY[{n}.MIME]"))
            if fields is not None and str(n) in known:
                yield fields, known[str(n)]


def _basic(fields: list[Field], part: structure.Fields) -> tuple[str, str, str] | None:
    """What is wrong about the basic fields of a part."""
    types = [_TYPE.fullmatch(b" ".join(value.split())) for value in _named(fields, b"CONTENT-TYPE")]
    kind = types[0] if len(types) == 1 else None
    if kind is None or kind[1].lower() in _COMPOSITE:
        return None
    for place, wanted in enumerate(kind.groups()):
        if _upper(part[place]) != wanted.upper():
            return "differs", f"type {kind[1].decode()}/{kind[2].decode()} as in the header", "another one"
    codings = [value.strip() for value in _named(fields, b"CONTENT-TRANSFER-ENCODING")]
    if len(codings) == 1 and _TOKEN.fullmatch(codings[0]) and _upper(part[5]) != codings[0].upper():
        return "differs", f"transfer encoding {codings[0].decode()} as in the header", "another one"
    named = {b"CONTENT-ID": 3, b"CONTENT-DESCRIPTION": 4}
    wrong = (_wrong(name, _named(fields, name), part[place]) for name, place in named.items())
    return next(filter(None, wrong), None)


def _upper(value: Value) -> bytes:
    return value.octets.upper() if isinstance(value, String) else b""
