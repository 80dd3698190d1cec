"""What of the RFCs' ABNF is amended before it is compared with the grammar, rule by rule, each time with the reason.

So every difference between the grammar and the ABNF as it is written has a name: it is the amendment without which the verdicts
differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Rules = Mapping[str, str]


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
