"""Other people's readings of the same syntax: the RFC's own ABNF under two engines that are not ours, and a codec written in Rust.

An oracle answers whether octets are one whole unit of a kind. It shares nothing with the grammar under test but the RFC.
The RFC's text is no part of this project: the environment names a folder of RFC texts. Without one, the ABNF of RFC 9051 that the
package `abnf` brings stands in.
"""

from __future__ import annotations

import functools
import importlib
import os
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Rules = Mapping[str, str]
    #: Whether octets are one whole unit of a kind.
    Verdict = Callable[[str, bytes], bool]

#: The environment variable that names a folder of RFC texts (rfc3501.txt).
FOLDER = "IMAPSPEC_RFC_DIR"

#: What a unit is in the words of the ABNF. `response-fatal` is a part of `response-data`.
KINDS = {
    "response": ("continue-req", "response-data", "response-tagged"),
    "greeting": ("greeting",),
    "command": ("command",),
}

# ---- literals -----------------------------------------------------------------------------------------------------------

_HEADER = re.compile(rb"(~?)\{([0-9]+)(\+?)\}\r\n")
#: What a literal becomes for an oracle that reads ABNF, which cannot count: one character that no rule has.
_COUNTED = {(b"", b""): "\xff", (b"", b"+"): "\xfc", (b"~", b""): "\xfb", (b"~", b"+"): "\xfa"}
_WRONG = "\xfd"
_DIGITS = 18


def counted(unit: bytes) -> str:
    """The unit with each literal replaced by one character.

    A header at the very end of a unit is text: a literal would need at least CRLF behind it. Anywhere else only a literal's octets
    can follow its CRLF. Fewer octets than announced, or NUL among them, become a character that nothing accepts.
    """
    text, place = "", 0
    while (found := _HEADER.search(unit, place)) and found.end() < len(unit):
        digits = found[2].lstrip(b"0")
        end = found.end() + (int(digits or b"0") if len(digits) <= _DIGITS else len(unit))
        whole = end <= len(unit) and (found[1] or b"\0" not in unit[found.end() : end])
        text += _plain(unit[place : found.start()]) + (_COUNTED[found[1], found[3]] if whole else _WRONG)
        place = min(end, len(unit))
    return text + _plain(unit[place:])


def _plain(octets: bytes) -> str:
    return re.sub("[\xfa-\xff]", "\xfe", octets.decode("latin-1"))


# ---- the ABNF of the RFCs -----------------------------------------------------------------------------------------------

_SECTION = re.compile(r"^9\. +Formal Syntax$(.*?)^10\. ", re.MULTILINE | re.DOTALL)
_PAGE = re.compile(r"\n+\S.*\[Page \d+\]\n\f?\n*RFC \d+ .*\n")
_RULE = re.compile(r"^([A-Za-z][A-Za-z0-9-]*) *=(.*(?:\n+[ \t]+.*)*)", re.MULTILINE)
_COMMENT = re.compile(r'("[^"\n]*"|<[^>\n]*>)|;.*')


def folder() -> Path | None:
    """The folder of RFC texts, if the environment names one."""
    named = os.environ.get(FOLDER)
    return Path(named) if named else None


@functools.cache
def rfc3501(texts: Path) -> Rules:
    """The rules of RFC 3501, section 9, as written, each on one line without its comments."""
    section = _SECTION.search((texts / "rfc3501.txt").read_text(encoding="latin-1"))
    assert section is not None
    return {
        name: " ".join(_COMMENT.sub(lambda m: m[1] or "", definition).split())
        for name, definition in _RULE.findall(_PAGE.sub("\n", section[1]))
    }


@functools.cache
def rfc9051() -> Rules:
    """The rules of RFC 9051 that the package `abnf` brings."""
    rules = dict[str, str]()
    for name in ("rfc3629", "rfc9051"):
        grammar: Any = importlib.import_module(f"abnf.grammars.{name}")
        source = grammar.Rule.grammar
        for line in source.splitlines() if isinstance(source, str) else source:
            rule, _, definition = line.partition("=")
            more = definition.startswith("/")
            found = " ".join(definition[more:].split())
            rules[rule.strip()] = f"{rules[rule.strip()]} / {found}" if more else found
    return rules


# ---- the package abnf ---------------------------------------------------------------------------------------------------


def with_abnf(rules: Rules) -> Verdict:
    """The verdicts of the package `abnf`."""
    abnf: Any = importlib.import_module("abnf")
    family: Any = type("Rules", (abnf.Rule,), {})
    for rule, definition in rules.items():
        family.create(f"{rule} = {definition}")

    def verdict(kind: str, unit: bytes) -> bool:
        text = counted(unit)
        return any(_parses(family(rule), text, abnf.ParseError) for rule in KINDS[kind])

    return verdict


def _parses(rule: Any, text: str, refusal: type[Exception]) -> bool:
    try:
        rule.parse_all(text)
    except refusal:
        return False
    return True


# ---- Lark's Earley parser -----------------------------------------------------------------------------------------------

_CORE = {
    "ALPHA": "%x41-5A / %x61-7A",
    "CRLF": "%x0D %x0A",
    "DIGIT": "%x30-39",
    "DQUOTE": "%x22",
    "SP": "%x20",
}
_TOKEN = re.compile(
    r'\s*(?:"(?P<string>[^"]*)"|%x(?P<octets>[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+)?)|(?P<times>\d*\*\d*|\d+)'
    r"|(?P<name>[A-Za-z][A-Za-z0-9-]*)|(?P<mark>[()\[\]/]))"
)
_MARKS = {"(": "(", ")": ")", "[": "(", "]": ")?", "/": "|"}


def with_earley(rules: Rules) -> Verdict:
    """The verdicts of Lark's Earley parser, character by character, on a mechanical translation of the ABNF. Slow."""
    defined = {name.lower(): definition for name, definition in {**_CORE, **rules}.items()}
    reached, todo = set[str](), [rule for kind in KINDS.values() for rule in kind if rule in defined]
    lines = []
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            text, used = _translated(defined[name])
            lines.append(f"{_lark_name(name)}: {text}")
            todo += used
    parsers = {
        rule: lark.Lark("\n".join(lines), parser="earley", lexer="dynamic", start=_lark_name(rule))
        for kind in KINDS.values()
        for rule in kind
        if rule in defined
    }

    def verdict(kind: str, unit: bytes) -> bool:
        text = counted(unit)
        return any(_is_read(parsers[rule], text) for rule in KINDS[kind])

    return verdict


def _lark_name(rule: str) -> str:
    return "r_" + rule.lower().replace("-", "_")


def _translated(definition: str) -> tuple[str, list[str]]:
    """A definition in the notation of Lark, and the rules it uses."""
    text, used, place = [], list[str](), 0
    pending: list[str] = [""]  # for each open group, what is to be put behind the element that comes next
    while place < len(definition):
        token = _TOKEN.match(definition, place)
        assert token is not None, definition[place:]
        place = token.end()
        match token.lastgroup, token[token.lastgroup or 0]:
            case "times", times:
                least, star, most = times.partition("*")
                pending[-1] = (
                    f"~{least}..{most}" if most else f"~{least}" if not star else "+" if least else "*"
                )
                continue
            case "mark", "(" | "[" as mark:
                text.append(_MARKS[mark])
                pending.append("")
                continue
            case "mark", "/":
                text.append("|")
                continue
            case "mark", mark:
                text.append(_MARKS[mark])
                pending.pop()
            case "string", string:
                text.append('"' + string.replace("\\", "\\\\") + '"i')
            case "octets", octets:
                first, _, last = octets.partition("-")
                text.append(f"/[{_in_set(first)}-{_in_set(last or first)}]/")
            case "name", name:
                text.append(_lark_name(name))
                used.append(name.lower())
        text[-1] += pending[-1]
        pending[-1] = ""
    return " ".join(text), used


def _in_set(octet: str) -> str:
    """One character within the brackets of a regular expression of Lark's, given in hexadecimal."""
    character = chr(int(octet, 16))
    return rf"\{character}" if character in "[]^-/\\" else rf"\x{int(octet, 16):02x}"


def _is_read(parser: lark.Lark, text: str) -> bool:
    try:
        parser.parse(text)
    except lark.UnexpectedInput:
        return False
    return True


# ---- imap-codec ---------------------------------------------------------------------------------------------------------


def with_imap_codec() -> Verdict:
    """The verdicts of imap-codec, a codec written in Rust, through its bindings for Python."""
    codec: Any = importlib.import_module("imap_codec")
    decoders = {
        "response": codec.ResponseCodec,
        "greeting": codec.GreetingCodec,
        "command": codec.CommandCodec,
    }

    def verdict(kind: str, unit: bytes) -> bool:
        try:
            rest, _value = decoders[kind].decode(unit)
        except codec.DecodeError:
            return False
        return not rest

    return verdict


# ---- units --------------------------------------------------------------------------------------------------------------

_WORDS = re.compile(rb"\r\n|[ ()\[\]{}<>\"]|[^ ()\[\]{}<>\"\r\n]+")
_STRAY = [bytes([n]) for n in (0, 9, 10, 13, 32, 0x22, 0x28, 0x29, 0x2A, 0x2B, 0x25, 0x30, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x7F, 0x80, 0xC3, 0xFF)]  # fmt: skip


def mutants(units: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` near misses: octets and words dropped, doubled, exchanged, replaced by those of another unit, or put in; always the same."""
    draw = random.Random(seed)  # noqa: S311 - always the same
    for _ in range(count):
        unit = draw.choice(units)
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            unit = _mutated(draw, unit, units)
        yield unit


def _mutated(draw: random.Random, unit: bytes, units: Sequence[bytes]) -> bytes:
    if draw.random() < 0.5:
        place = draw.randrange(len(unit) + 1)
        stray = draw.choice(_STRAY) if draw.random() < 0.7 else bytes([draw.randrange(0x100)])
        return draw.choice(
            (
                unit[:place] + unit[place + 1 :],
                unit[:place] + unit[place : place + 1] + unit[place:],
                unit[:place] + stray + unit[place:],
                unit[:place] + stray + unit[place + 1 :],
            )
        )
    words = _WORDS.findall(unit) or [b""]
    one, other = draw.randrange(len(words)), draw.randrange(len(words))
    match draw.randrange(4):
        case 0:
            del words[one]
        case 1:
            words.insert(one, words[other])
        case 2:
            words[one], words[other] = words[other], words[one]
        case _:
            words[one] = draw.choice(_WORDS.findall(draw.choice(units)) or [b""])
    return b"".join(words)
