"""Other people's readings of the same syntax: the RFC's own ABNF under two engines that are not ours, and a codec written in Rust.

An oracle answers whether octets are one whole unit of a kind. It shares nothing with the grammar under test but the RFC.
The RFC's text is no part of this project: the environment names a folder of RFC texts. Without one, the ABNF of RFC 9051 that the
package `abnf` brings stands in.

What the ABNF says differently from the grammar is amended rule by rule (`Amendment`), each time with the reason. So every difference
between the grammar and the ABNF as it is written has a name: it is the amendment without which the verdicts differ.
"""

from __future__ import annotations

import functools
import importlib
import os
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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


# ---- amendments ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Amendment:
    """What stands instead of a rule, or of a part of one.

    `right` says who is right where the two differ: "ours", "abnf", or "both", which means that they differ in no unit.
    """

    name: str
    rules: tuple[tuple[str, str, str], ...]  #: rule, part of it ("": all of it), what stands there instead
    right: str
    why: str
    section: str


def except_words(name: str, octets: Iterable[int], words: Iterable[str], others: str = "") -> dict[str, str]:
    """ABNF for one or more of `octets` (or of what the rules `others` match), but none of the words, whatever their case."""
    octets, words = set(octets), {word.lower() for word in words}
    anything = " / ".join(filter(None, [_ranges(octets), others]))
    rules = {f"{name}-any": anything}
    prefixes = sorted({word[:n] for word in words for n in range(len(word) + 1)})
    for number, prefix in enumerate(prefixes):
        following = {longer[-1]: at for at, longer in enumerate(prefixes) if longer and longer[:-1] == prefix}
        rest = octets - {ord(case) for letter in following for case in letter + letter.upper()}
        branches = [f'"{letter}" {name}-{at}' for letter, at in following.items()]
        branches.append(f"({' / '.join(filter(None, [_ranges(rest), others]))}) *{name}-any")
        choice = " / ".join(branches)
        rules[f"{name}-{number}"] = choice if prefix in words or not prefix else f"[{choice}]"
    return rules | {name: f"{name}-0"}


def _ranges(octets: Iterable[int]) -> str:
    found: list[list[int]] = []
    for octet in sorted(octets):
        if found and found[-1][1] == octet - 1:
            found[-1][1] = octet
        else:
            found.append([octet, octet])
    return " / ".join(f"%x{first:02X}-{last:02X}" for first, last in found)


_TEXT = set(range(1, 0x80)) - {10, 13}
_ATOM = _TEXT - set(range(0x20)) - {0x7F} - set(b'(){ %*"\\]')
_QUOTED = _TEXT - set(b'"\\')
_X_WORD = set(range(0x21, 0x7F)) - set(b'"(){')
_ESCAPED = '("\\" quoted-specials)'

_CODES = """ALERT BADCHARSET CAPABILITY PARSE PERMANENTFLAGS READ-ONLY READ-WRITE TRYCREATE UIDNEXT UIDVALIDITY UNSEEN"""
_HELPERS = (
    except_words("other-code", _ATOM, _CODES.split())
    | except_words("other-flag", _ATOM, ["Recent"])
    | except_words("other-attribute", _ATOM, ["Noselect", "Marked", "Unmarked"])
    | except_words("other-media", _QUOTED, ["TEXT", "MESSAGE"], _ESCAPED)
    | except_words("other-message", _QUOTED, ["RFC822"], _ESCAPED)
)

_PROSE = "prose in the RFC, written out"

#: Without these the ABNF cannot be read by a program.
READABLE = (
    Amendment("ATOM-CHAR", (("ATOM-CHAR", "", _ranges(_ATOM)),), "both", _PROSE, "9"),
    Amendment("TEXT-CHAR", (("TEXT-CHAR", "", _ranges(_TEXT)),), "both", _PROSE, "9"),
    Amendment("QUOTED-CHAR", (("QUOTED-CHAR", "", f"{_ranges(_QUOTED)} / {_ESCAPED}"),), "both", _PROSE, "9"),
    Amendment("tag", (("tag", "", f"1*({_ranges(_ATOM - {0x2B} | {0x5D})})"),), "both", _PROSE, "9"),
    Amendment(
        "code text",
        (("resp-text-code", '<any TEXT-CHAR except "]">', f"({_ranges(_TEXT - {0x5D})})"),),
        "both",
        _PROSE,
        "9",
    ),
    Amendment(
        "x-command",
        (
            ("x-command", "", '"X" atom *(SP x-argument)'),
            ("x-argument", "", f'1*({_ranges(_X_WORD)}) / string / ("(" [x-argument *(SP x-argument)] ")")'),
        ),
        "both",
        "prose in the RFC: what an experiment's arguments look like is our decision",
        "6.5.1",
    ),
    Amendment("literal", (("literal", "", "%xFF"),), "both", "ABNF does not count octets", "4.3"),
)

#: The notes of section 9 that its ABNF does not express, and what the project has decided.
STRICT = (
    Amendment(
        "bracket",
        (
            (
                "resp-text",
                "",
                '("[" resp-text-code "]" SP text) / ((%x01-09 / %x0B-0C / %x0E-5A / %x5C-7F) *TEXT-CHAR)',
            ),
        ),
        "ours",
        'status text that begins with "[" is a code: the earlier alternative has priority',
        "7.1, 9",
    ),
    Amendment(
        "known code",
        (("resp-text-code", "atom [SP", "other-code [SP"),),
        "ours",
        "a code that the RFC names has the form that the RFC gives it: the earlier alternative has priority",
        "7.1, 9",
    ),
    Amendment(
        "recent",
        (("flag-extension", "", '"\\" other-flag'),),
        "ours",
        r"a flag does not include \Recent, says a comment of the ABNF: only FETCH has it",
        "2.3.2, 9",
    ),
    Amendment(
        "selectability",
        (("mbx-list-oflag", "flag-extension", '("\\" other-attribute)'),),
        "ours",
        "one selectability flag for each mailbox, says a comment of the ABNF",
        "7.2.2, 9",
    ),
    Amendment(
        "media type",
        (
            (
                "media-basic",
                "",
                "any-message / any-media",
            ),
            ("any-message", "", 'DQUOTE "MESSAGE" DQUOTE SP ((DQUOTE [other-message] DQUOTE) / literal)'),
            (
                "any-media",
                "",
                "((DQUOTE [other-media] DQUOTE) / literal) SP media-subtype",
            ),
        ),
        "ours",
        "TEXT, and MESSAGE/RFC822, have their further fields: the earlier alternative has priority",
        "7.4.2, 9",
    ),
    Amendment(
        "IMAP4rev1",
        (("capability-data", "", '"CAPABILITY" 1*(SP capability)'),),
        "abnf",
        "which capabilities a server has is checked, but not by the grammar: a list without IMAP4rev1 can be read",
        "7.2.1",
    ),
    Amendment(
        "status values",
        (
            ("status-att-list", "", "status-att-val *(SP status-att-val)"),
            (
                "status-att-val",
                "",
                '(("MESSAGES" / "RECENT" / "UNSEEN") SP number) / (("UIDNEXT" / "UIDVALIDITY") SP nz-number)',
            ),
        ),
        "ours",
        "erratum 261: UIDNEXT and UIDVALIDITY are above 0",
        "9",
    ),
    Amendment(
        "sequence-set",
        (("sequence-set", "", '(seq-number / seq-range) *("," (seq-number / seq-range))'),),
        "both",
        "erratum 261: the same sets without a recursion that has two readings",
        "9",
    ),
)

_REV2 = "IMAP4rev2 has changed it"

#: RFC 9051 -> RFC 3501, for the ABNF that the package `abnf` brings.
REV1 = (
    *(a for a in READABLE if a.name in {"QUOTED-CHAR", "literal", "x-command"}),
    *(a for a in STRICT if a.name != "sequence-set"),
    Amendment("text", (("text", "", "1*TEXT-CHAR"),), "ours", f"{_REV2}: UTF-8", "9"),
    Amendment(
        "codes",
        (
            ("resp-text-code", "charset *(SP charset)", "astring *(SP astring)"),
            ("resp-text-code", '"UIDNEXT" SP nz-number', '("UIDNEXT" / "UNSEEN") SP nz-number'),
        ),
        "ours",
        f"{_REV2}: charsets are no literals, and UNSEEN is gone",
        "7.1, 9",
    ),
    Amendment(
        "mailbox-data",
        (
            ("mailbox-data", "esearch-response", '"LSUB" SP mailbox-list'),
            ("mailbox-data", "namespace-response /", ""),
            ("mailbox-list", "[SP mbox-list-extended]", ""),
        ),
        "ours",
        f"{_REV2}: ESEARCH, NAMESPACE and extended LIST are new, LSUB is gone",
        "7.2",
    ),
    Amendment(
        "saved result",
        (("sequence-set", "/ seq-last-command", ""),),
        "ours",
        f"{_REV2}: $ stands for the last search's result",
        "9",
    ),
    Amendment(
        "message/global",
        (("media-message", '("RFC822" / "GLOBAL")', '"RFC822"'),),
        "ours",
        f"{_REV2}: MESSAGE/GLOBAL has the fields of MESSAGE/RFC822",
        "7.4.2",
    ),
    Amendment(
        "data items",
        (
            (
                "msg-att-static",
                '"RFC822.SIZE"',
                '("RFC822" / "RFC822.HEADER" / "RFC822.TEXT") SP nstring / "RFC822.SIZE"',
            ),
            ("msg-att-static", '"BINARY" section-binary SP (nstring / literal8) /', ""),
            ("msg-att-static", '"BINARY.SIZE" section-binary SP number /', ""),
        ),
        "ours",
        f"{_REV2}: RFC822, RFC822.HEADER and RFC822.TEXT are gone, BINARY is new",
        "7.4.2",
    ),
    Amendment(
        "enabled",
        (("response-data", "/ enable-data", ""),),
        "ours",
        f"{_REV2}: ENABLED is new",
        "7",
    ),
    Amendment(
        "commands",
        (
            ("command-any", '"NOOP"', '"NOOP" / x-command'),
            ("command-auth", "enable /", ""),
            ("command-auth", "namespace-command", "lsub"),
            ("command-auth", "/ idle", ""),
            ("command-select", '"UNSELECT"', '"CHECK"'),
            ("command-select", "move /", ""),
            ("uid", "move /", ""),
            ("uid", "/ uid-expunge", ""),
            ("lsub", "", '"LSUB" SP mailbox SP list-mailbox'),
        ),
        "ours",
        f"{_REV2}: CHECK, LSUB and X commands are gone, others are new",
        "6",
    ),
    Amendment(
        "arguments",
        (
            ("authenticate", "[SP initial-resp]", ""),
            ("list", "", '"LIST" SP mailbox SP list-mailbox'),
            ("search", "", '"SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)'),
            ("status-att", '"DELETED" / "SIZE"', '"RECENT"'),
        ),
        "ours",
        f"{_REV2}: extended forms of AUTHENTICATE, LIST, SEARCH and STATUS",
        "6",
    ),
    Amendment(
        "search keys",
        (("search-key", '"SEEN" /', '"SEEN" / "NEW" / "OLD" / "RECENT" /'),),
        "ours",
        f"{_REV2}: NEW, OLD and RECENT are gone",
        "6.4.4",
    ),
    Amendment(
        "fetch items",
        (
            ("fetch-att", '"RFC822.SIZE"', '"RFC822" [".HEADER" / ".SIZE" / ".TEXT"]'),
            ("fetch-att", '/ "BINARY" [".PEEK"] section-binary [partial]', ""),
            ("fetch-att", '/ "BINARY.SIZE" section-binary', ""),
        ),
        "ours",
        f"{_REV2}: RFC822, RFC822.HEADER and RFC822.TEXT are gone, BINARY is new",
        "6.4.5",
    ),
)

#: The same for RFC 7888 and RFC 3516 besides: what of IMAP4rev2 they had first stays. Literals differ by who sends them.
EXTENDED = (
    *(a for a in REV1 if a.name not in {"literal", "data items", "fetch items"}),
    Amendment(
        "messages",
        (
            (
                "msg-att-static",
                '"RFC822.SIZE"',
                '("RFC822" / "RFC822.HEADER" / "RFC822.TEXT") SP nstring / "RFC822.SIZE"',
            ),
            ("fetch-att", '"RFC822.SIZE"', '"RFC822" [".HEADER" / ".SIZE" / ".TEXT"]'),
        ),
        "ours",
        f"{_REV2}: RFC822, RFC822.HEADER and RFC822.TEXT are gone",
        "7.4.2",
    ),
    Amendment(
        "origin",
        (("msg-att-static", '"BINARY" section-binary SP', '"BINARY" section-binary ["<" number ">"] SP'),),
        "ours",
        "the origin of a partial BINARY stands in the text of RFC 3516, not in its ABNF",
        "RFC 3516, 4.3",
    ),
    Amendment(
        "append",
        (("append", "SP literal", "SP (literal / literal8)"),),
        "ours",
        f"{_REV2}: literals with NUL are left to BINARY",
        "RFC 3516, 7",
    ),
)

LITERALS = {
    "response": Amendment(
        "literals", (("literal", "", "%xFF"), ("literal8", "", "%xFB")), "both", "not counted by ABNF", "4.3"
    ),
    "command": Amendment(
        "literals",
        (("literal", "", "%xFF / %xFC"), ("literal8", "", "%xFB / %xFA")),
        "both",
        "not counted by ABNF; a client's need not wait",
        "RFC 7888, 8",
    ),
}


def amended(rules: Rules, amendments: Iterable[Amendment]) -> dict[str, str]:
    """The rules with the amendments; raises AssertionError for one that finds nothing to amend."""
    result = {**rules, **_HELPERS}
    for amendment in amendments:
        for rule, old, new in amendment.rules:
            before = result.get(rule, "")
            assert not old or old in before, (amendment.name, before)
            result[rule] = before.replace(old, new).strip() if old else new
    return result


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
