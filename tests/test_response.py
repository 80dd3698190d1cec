"""Responses as values: what the grammar accepts, what can be made of what it refuses, and templates."""

from __future__ import annotations

import time

import pytest
import vectors
from hypothesis import given
from hypothesis import strategies as st

from conformance.grammar import Kind, Refused, load
from conformance.response import (
    Atom,
    Code,
    Hole,
    List,
    Nil,
    Number,
    Response,
    Rest,
    String,
    Value,
    fetch_items,
    read,
    template,
)

GRAMMAR = load()

A, N, S = Atom, Number, String


def ordered(*values: Value) -> List:
    return List(values)


def flags(*names: str) -> List:
    return List(tuple(Atom(name) for name in names), ordered=False)


def untagged(
    name: str, *items: Value, number: int | None = None, code: Code | None = None, text: bytes | None = None
) -> Response:
    return Response("untagged", b"", name, None, number, code, items, text)


def fetched(*pairs: Value) -> Response:
    return untagged("FETCH", List(pairs), number=1)


def without_raw(response: Response) -> Response:
    return Response(
        response.kind, b"", response.name, response.tag, response.number, response.code, response.items, response.text
    )  # fmt: skip


ADDRESS = ordered(S(b"A B"), Nil(), S(b"a"), S(b"example.org"))

KNOWN: dict[bytes, Response] = {
    b"* OK hi\r\n": untagged("OK", text=b"hi"),
    b"* ok hi\r\n": untagged("OK", text=b"hi"),
    b"* BYE [ALERT] fire\r\n": untagged("BYE", code=Code("ALERT"), text=b"fire"),
    b"a1 OK [read-write] opened\r\n": Response("tagged", b"", "OK", "a1", code=Code("READ-WRITE"), text=b"opened"),
    b"A1 BAD what\r\n": Response("tagged", b"", "BAD", "A1", text=b"what"),
    b"+ \r\n": Response("continuation", b""),
    b"+ go ahead\r\n": Response("continuation", b"", text=b"go ahead"),
    b"+ dGV4dA==\r\n": Response("continuation", b"", text=b"dGV4dA=="),
    b"+ [X] go\r\n": Response("continuation", b"", code=Code("X"), text=b"go"),
    b"* OK [UIDVALIDITY 7] x\r\n": untagged("OK", code=Code("UIDVALIDITY", (N(7),)), text=b"x"),
    b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x\r\n": untagged(
        "OK", code=Code("CAPABILITY", (A("IMAP4rev1"), A("AUTH=PLAIN"))), text=b"x"
    ),
    rb"* OK [PERMANENTFLAGS (\Seen $x \*)] x" + b"\r\n": untagged(
        "OK", code=Code("PERMANENTFLAGS", (flags("\\Seen", "$x", "\\*"),)), text=b"x"
    ),
    b'* NO [BADCHARSET (a "b" {1}\r\nc)] x\r\n': untagged(
        "NO", code=Code("BADCHARSET", (List((S(b"a"), S(b"b"), S(b"c")), ordered=False),)), text=b"x"
    ),
    b"* OK [X-FOO a (b) 7] x\r\n": untagged("OK", code=Code("X-FOO", (S(b"a (b) 7"),)), text=b"x"),
    b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n": untagged("CAPABILITY", A("IMAP4rev1"), A("AUTH=PLAIN")),
    rb"* FLAGS (\Seen Junk)" + b"\r\n": untagged("FLAGS", flags("\\Seen", "Junk")),
    rb'* LIST (\Noselect \X) "/" box' + b"\r\n": untagged("LIST", flags("\\Noselect", "\\X"), S(b"/"), S(b"box")),
    rb'* LIST () "\\" "a \"b\" \\c"' + b"\r\n": untagged("LIST", flags(), S(b"\\"), S(b'a "b" \\c')),
    b"* LSUB () NIL NIL\r\n": untagged("LSUB", flags(), Nil(), S(b"NIL")),
    b'* LIST () "/" {4}\r\n\xff\r\n"\r\n': untagged("LIST", flags(), S(b"/"), S(b'\xff\r\n"')),
    b"* SEARCH\r\n": untagged("SEARCH"),
    b"* SEARCH 2 84\r\n": untagged("SEARCH", N(2), N(84)),
    b"* STATUS 12 (MESSAGES 3 UIDNEXT 4)\r\n": untagged(
        "STATUS", S(b"12"), ordered(A("MESSAGES"), N(3), A("UIDNEXT"), N(4))
    ),
    b"* STATUS box ()\r\n": untagged("STATUS", S(b"box"), ordered()),
    b"* 007 EXISTS\r\n": untagged("EXISTS", number=7),
    b"* 0 RECENT\r\n": untagged("RECENT", number=0),
    b"* 44 expunge\r\n": untagged("EXPUNGE", number=44),
    b"* 1 FETCH (FLAGS () UID 7)\r\n": fetched(A("FLAGS"), flags(), A("UID"), N(7)),
    b'* 1 FETCH (INTERNALDATE " 7-Feb-2004 22:43:04 -0800")\r\n': fetched(
        A("INTERNALDATE"), S(b" 7-Feb-2004 22:43:04 -0800")
    ),
    b'* 1 FETCH (body[] {3}\r\na\r\n BODY[TEXT]<0> "" RFC822.SIZE 3)\r\n': fetched(
        A("BODY[]"), S(b"a\r\n"), A("BODY[TEXT]<0>"), S(b""), A("RFC822.SIZE"), N(3)
    ),
    b'* 1 FETCH (BODY[1.2.header.fields (date "FROM" {2}\r\nto)]<5> NIL)\r\n': fetched(
        A("BODY[1.2.HEADER.FIELDS (DATE FROM TO)]<5>"), Nil()
    ),
    b"* 1 FETCH (BODY[HEADER.FIELDS.NOT (A)] NIL BODY[3.MIME] NIL)\r\n": fetched(
        A("BODY[HEADER.FIELDS.NOT (A)]"), Nil(), A("BODY[3.MIME]"), Nil()
    ),
    b'* 1 FETCH (ENVELOPE ("d" {1}\r\ns (("A B" NIL "a" "example.org")("A B" NIL "a" "example.org")) NIL NIL NIL NIL NIL NIL "<i>"))\r\n': fetched(
        A("ENVELOPE"),
        ordered(S(b"d"), S(b"s"), ordered(ADDRESS, ADDRESS), Nil(), Nil(), Nil(), Nil(), Nil(), Nil(), S(b"<i>")),
    ),
    b'* 1 FETCH (BODYSTRUCTURE (("TEXT" "plain" ("CHARSET" "x") NIL NIL "7bit" 4 1)("A" "B" NIL NIL NIL "x" 5) "MIXED" NIL ("inline" NIL) ("de" "en") NIL (1 (NIL))))\r\n': fetched(
        A("BODYSTRUCTURE"),
        ordered(
            ordered(S(b"TEXT"), S(b"plain"), ordered(S(b"CHARSET"), S(b"x")), Nil(), Nil(), S(b"7bit"), N(4), N(1)),
            ordered(S(b"A"), S(b"B"), Nil(), Nil(), Nil(), S(b"x"), N(5)),
            S(b"MIXED"),
            Nil(),
            ordered(S(b"inline"), Nil()),
            ordered(S(b"de"), S(b"en")),
            Nil(),
            ordered(N(1), ordered(Nil())),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("octets", KNOWN, ids=repr)
def test_a_response_reads_as_its_values(octets: bytes) -> None:
    response = read(GRAMMAR, octets)
    assert without_raw(response) == KNOWN[octets]
    assert response.raw == octets
    assert response.problem is None


@pytest.mark.parametrize("octets", vectors.accepted(), ids=repr)
def test_every_well_formed_response_has_values_of_plain_types(octets: bytes) -> None:
    response = read(GRAMMAR, octets)
    assert response.problem is None
    assert (response.name == "") == (response.kind == "continuation")
    waiting: list[Value] = [*response.items, *(response.code.items if response.code else ())]
    while waiting:
        match waiting.pop():
            case Atom(text):
                assert type(text) is str
            case String(text):
                assert type(text) is bytes
            case Number(value):
                assert type(value) is int
            case List(values):
                waiting += values
            case other:
                assert other == Nil()


@pytest.mark.parametrize(
    ("octets", "name"), [(b"* PREAUTH hi\r\n", "PREAUTH"), (b"* OK hi\r\n", "OK"), (b"* BYE no\r\n", "BYE")]
)
def test_a_greeting_is_read_as_one(octets: bytes, name: str) -> None:
    response = read(GRAMMAR, octets, "greeting")
    assert (response.kind, response.name, response.problem) == ("untagged", name, None)


def test_pairs_of_fetch_and_status() -> None:
    assert fetch_items(read(GRAMMAR, b"* 1 FETCH (uid 7 FLAGS ())\r\n")) == {"UID": N(7), "FLAGS": flags()}
    assert fetch_items(read(GRAMMAR, b"* STATUS b (UNSEEN 7)\r\n")) == {"UNSEEN": N(7)}
    assert fetch_items(read(GRAMMAR, b"* 1 EXISTS\r\n")) == {}
    assert fetch_items(read(GRAMMAR, b"* SEARCH 1\r\n")) == {}
    assert fetch_items(template(GRAMMAR, "* 1 FETCH (UID ${u} ${...})")) == {"UID": Hole("u")}
    assert fetch_items(template(GRAMMAR, "* 1 FETCH ${}")) == {}


def test_numbers_of_any_length_are_values() -> None:
    (huge,) = read(GRAMMAR, b"* SEARCH 1" + b"0" * 10_000 + b"\r\n").items
    assert isinstance(huge, Number)
    assert huge.value > 2**32
    assert read(GRAMMAR, b"* " + b"0" * 10_000 + b"9 EXISTS\r\n").number == 9


# ---- what is refused ----------------------------------------------------------------------------------------------------

TOLERANT: dict[bytes, Response] = {
    b"* 3 EXISTS \r\n": untagged("EXISTS", number=3),
    b"* 3 EXISTS\n": untagged("EXISTS", number=3),
    b"*  3  exists\r\n": untagged("EXISTS", number=3),
    b"* OK[READ-WRITE] x\r\n": untagged("OK", code=Code("READ-WRITE"), text=b"x"),
    b"* OK [UIDNEXT 5]\r\n": untagged("OK", code=Code("UIDNEXT", (N(5),))),
    b"* OK [UNSEEN 0] x\r\n": untagged("OK", code=Code("UNSEEN", (N(0),)), text=b"x"),
    rb"* OK [PERMANENTFLAGS (\Seen \Recent)] x" + b"\r\n": untagged(
        "OK", code=Code("PERMANENTFLAGS", (ordered(A("\\Seen"), A("\\Recent")),)), text=b"x"
    ),
    b"* OK [oops x\r\n": untagged("OK", text=b"[oops x"),
    b"* OK caf\xe9\r\n": untagged("OK", text=b"caf\xe9"),
    b"* PREAUTH late\r\n": untagged("PREAUTH", text=b"late"),
    b"a1 OK\r\n": Response("tagged", b"", "OK", "a1"),
    b"a1  NO  x\r\n": Response("tagged", b"", "NO", "a1", text=b"x"),
    b"a1 ok\n": Response("tagged", b"", "OK", "a1"),
    b"+\r\n": Response("continuation", b""),
    b"+go\r\n": Response("continuation", b"", text=b"go"),
    rb"* 2 FETCH (FLAGS (\Seen)" + b"\r\n": untagged("FETCH", ordered(A("FLAGS"), ordered(A("\\Seen"))), number=2),
    b'* 1 FETCH (UID 5 ENVELOPE ("\xe9" nil (a)) X NIL)\r\n': untagged(
        "FETCH", ordered(A("UID"), N(5), A("ENVELOPE"), ordered(S(b"\xe9"), Nil(), ordered(A("a"))), A("X"), Nil()), number=1
    ),
    b"* 1 FETCH (BODY[HEADER.FIELDS (a b)]<0> {4}\r\na\0)\r UID 5)\r\n": untagged(
        "FETCH", ordered(A("BODY[HEADER.FIELDS (a b)]<0>"), S(b"a\0)\r"), A("UID"), N(5)), number=1
    ),
    b"* 1 FETCH (BODY[] {9}\r\nab\r\n": untagged("FETCH", ordered(A("BODY[]"), S(b"ab\r\n")), number=1),
    b'* LIST () "/" "open\r\n': untagged("LIST", ordered(), S(b"/"), S(b"open\r\n")),
    b"* SEARCH 1 2 \r\n": untagged("SEARCH", N(1), N(2)),
    b"* 1 FETCH ))) (UID 5)\r\n": untagged("FETCH", ordered(A("UID"), N(5)), number=1),
    b"* XYZ a (b)\r\n": untagged("XYZ", A("a"), ordered(A("b"))),
    b"* \r\n": untagged(""),
    b"what is this\r\n": untagged(""),
    b"": untagged(""),
}  # fmt: skip


@pytest.mark.parametrize("octets", TOLERANT, ids=repr)
def test_a_refused_response_still_says_what_it_can(octets: bytes) -> None:
    response = read(GRAMMAR, octets)
    assert without_raw(response) == TOLERANT[octets]
    assert response.raw == octets
    assert response.problem == GRAMMAR.explain("response", octets)
    assert response.problem is not None


def test_what_the_cutter_found_is_the_problem() -> None:
    problem = GRAMMAR.explain("response", b"x")
    response = read(GRAMMAR, b"* 1 EXISTS\r\n", problem=problem)
    assert response.problem is problem
    assert (response.name, response.number) == ("EXISTS", 1)


soup = st.lists(
    st.sampled_from(
        [
            "* ",
            "a1 ",
            "+ ",
            "OK ",
            "FETCH ",
            "1 ",
            "(",
            ")",
            "[",
            "]",
            '"',
            "\\",
            "{3}\r\n",
            "NIL ",
            "<",
            "\r\n",
            "\0",
            "é",
        ]
    )
).map(lambda parts: "".join(parts).encode("latin-1"))


@given(st.binary(max_size=80) | soup, st.sampled_from(["response", "greeting"]))
def test_reading_never_raises(octets: bytes, kind: Kind) -> None:
    response = read(GRAMMAR, octets, kind)
    assert response.raw == octets
    assert (response.problem is None) == GRAMMAR.recognise(kind, octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"* 1 FETCH (FLAGS (" + b" ".join([rb"\Seen"] * 20_000) + b"))\r\n",
        b"* 1 FETCH " + b"(" * 20_000 + b")" * 20_000 + b"\r\n",
        b'* 1 FETCH (BODY ("A" "B" NIL NIL NIL "7BIT" 1 NIL NIL NIL NIL ' + b"(" * 20_000 + b"1" + b")" * 20_000 + b"))\r\n",
        b'* 1 FETCH "' + b'\\"' * 100_000,
        b"* 1 FETCH " + b"a[ " * 20_000,
        b"* OK [" + b"x" * 200_000,
        b"* OK [" + b"x " * 100_000,
        b"*" + b" " * 200_000,
        b"a" + b" " * 200_000,
        b"a" * 200_000,
        b"* 1 FETCH " + b"{1}\r\n" * 20_000,
        b"* 1 FETCH {" + b"9" * 100_000 + b"}\r\n",
    ],
    ids=["flags", "nesting", "extensions", "quotes", "sections", "code", "words", "spaces", "spaces behind a tag", "tag", "literals", "digits"],
)  # fmt: skip
def test_hostile_responses_are_read_in_bounded_time(octets: bytes) -> None:
    begun = time.process_time()
    read(GRAMMAR, octets)
    assert time.process_time() - begun < 5


# ---- templates ----------------------------------------------------------------------------------------------------------


def tagged(name: str, code: Code | None = None, text: bytes | Rest | None = None) -> Response:
    return Response("tagged", b"", name, code=code, text=text)


TEMPLATES: dict[str, Response] = {
    "OK": tagged("OK"),
    "no": tagged("NO"),
    "BAD ${...}": tagged("BAD", text=Rest()),
    "OK exact words": tagged("OK", text=b"exact words"),
    "OK [READ-ONLY] ${...}": tagged("OK", Code("READ-ONLY"), Rest()),
    "OK [READ-ONLY]": tagged("OK", Code("READ-ONLY")),
    "NO [TRYCREATE] exact": tagged("NO", Code("TRYCREATE"), b"exact"),
    "OK [COPYUID ${...}]": tagged("OK", Code("COPYUID", (Rest(),))),
    "OK [X-FOO ${}]": tagged("OK", Code("X-FOO", (Hole(""),))),
    "OK [X-FOO 1 ${a}]": tagged("OK", Code("X-FOO", (S(b"1 ${a}"),))),
    "+": Response("continuation", b""),
    "+ ${...}": Response("continuation", b"", text=Rest()),
    "+ exact": Response("continuation", b"", text=b"exact"),
    "* BYE": untagged("BYE"),
    "* OK [UIDVALIDITY ${uidvalidity}]": untagged("OK", code=Code("UIDVALIDITY", (Hole("uidvalidity"),))),
    "* OK [CAPABILITY IMAP4rev1 ${...}]": untagged("OK", code=Code("CAPABILITY", (A("IMAP4rev1"), Rest()))),
    "* OK [PERMANENTFLAGS ${flags}]": untagged("OK", code=Code("PERMANENTFLAGS", (Hole("flags"),))),
    r"* OK [PERMANENTFLAGS (\Seen ${...})]": untagged(
        "OK", code=Code("PERMANENTFLAGS", (List((A("\\Seen"), Rest()), ordered=False),))
    ),
    "* CAPABILITY ${...}": untagged("CAPABILITY", Rest()),
    "* CAPABILITY IMAP4rev1 ${...}": untagged("CAPABILITY", A("IMAP4rev1"), Rest()),
    "* CAPABILITY ${a} AUTH=PLAIN X-${b}": untagged("CAPABILITY", Hole("a"), A("AUTH=PLAIN"), A("X-${b}")),
    "* FLAGS ${}": untagged("FLAGS", Hole("")),
    "* FLAGS ${...}": untagged("FLAGS", Rest()),
    r"* FLAGS (\Seen ${keyword} ${...})": untagged("FLAGS", List((A("\\Seen"), Hole("keyword"), Rest()), ordered=False)),
    "* FLAGS (${prefix}x)": untagged("FLAGS", flags("${prefix}x")),
    "* LIST ${...}": untagged("LIST", Rest()),
    "* LIST ${} ${delimiter} ${mailbox}": untagged("LIST", Hole(""), Hole("delimiter"), Hole("mailbox")),
    '* LIST ${} "/" ${mailbox}/child': untagged("LIST", Hole(""), S(b"/"), S(b"${mailbox}/child")),
    '* LIST (${...}) NIL "${mailbox}"': untagged("LIST", List((Rest(),), ordered=False), Nil(), S(b"${mailbox}")),
    r"* LIST (\Noselect ${...}) ${...}": untagged("LIST", List((A("\\Noselect"), Rest()), ordered=False), Rest()),
    "* LSUB () ${} a${$}b": untagged("LSUB", flags(), Hole(""), S(b"a${$}b")),
    "* SEARCH": untagged("SEARCH"),
    "* SEARCH ${...}": untagged("SEARCH", Rest()),
    "* SEARCH 1 ${n} ${...}": untagged("SEARCH", N(1), Hole("n"), Rest()),
    '* STATUS "${mailbox}/x y" (MESSAGES 0 UIDNEXT ${n})': untagged(
        "STATUS", S(b"${mailbox}/x y"), ordered(A("MESSAGES"), N(0), A("UIDNEXT"), Hole("n"))
    ),
    "* STATUS ${mailbox} (MESSAGES 1 ${...})": untagged("STATUS", Hole("mailbox"), ordered(A("MESSAGES"), N(1), Rest())),
    "* STATUS ${} ${}": untagged("STATUS", Hole(""), Hole("")),
    "* STATUS box ${...}": untagged("STATUS", S(b"box"), Rest()),
    "* 3 EXISTS": untagged("EXISTS", number=3),
    "* 1 FETCH ${...}": untagged("FETCH", Rest(), number=1),
    "* 1 FETCH (UID ${u1} FLAGS ${})": fetched(A("UID"), Hole("u1"), A("FLAGS"), Hole("")),
    "* 1 FETCH (UID 5 ${...})": fetched(A("UID"), N(5), Rest()),
    r"* 1 FETCH (FLAGS (\Seen ${...}))": fetched(A("FLAGS"), List((A("\\Seen"), Rest()), ordered=False)),
    "* 1 FETCH (FLAGS (${...}) UID 5)": fetched(A("FLAGS"), List((Rest(),), ordered=False), A("UID"), N(5)),
    "* 1 FETCH (BODY[TEXT] ${body})": fetched(A("BODY[TEXT]"), Hole("body")),
    r'* 1 FETCH (BODY[] {text "a\r\n\"\\\x00\xff${x}"})': fetched(A("BODY[]"), S(b'a\r\n"\\\x00\xff${x}')),
    '* 1 FETCH (BODY[] {text ""})': fetched(A("BODY[]"), S(b"")),
    '* 1 FETCH (BODY[] {text "ü"})': fetched(A("BODY[]"), S("ü".encode())),
    "* 1 FETCH (INTERNALDATE ${date})": fetched(A("INTERNALDATE"), Hole("date")),
    '* 1 FETCH (INTERNALDATE "07-Feb-2004 22:43:04 -0800")': fetched(A("INTERNALDATE"), S(b"07-Feb-2004 22:43:04 -0800")),
    "* 1 FETCH (RFC822.SIZE ${} ENVELOPE ${e})": fetched(A("RFC822.SIZE"), Hole(""), A("ENVELOPE"), Hole("e")),
    '* 1 FETCH (ENVELOPE (${} "subject" ${...}))': fetched(A("ENVELOPE"), ordered(Hole(""), S(b"subject"), Rest())),
    '* 1 FETCH (ENVELOPE (NIL NIL ((NIL ${...})(${a} NIL "m" ${h})) NIL ${} NIL ${...}))': fetched(
        A("ENVELOPE"),
        ordered(
            Nil(), Nil(), ordered(ordered(Nil(), Rest()), ordered(Hole("a"), Nil(), S(b"m"), Hole("h"))), Nil(), Hole(""), Nil(), Rest()
        ),
    ),
    "* 1 FETCH (BODY ${} BODYSTRUCTURE ${})": fetched(A("BODY"), Hole(""), A("BODYSTRUCTURE"), Hole("")),
    '* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" ${...}))': fetched(
        A("BODYSTRUCTURE"), ordered(S(b"TEXT"), S(b"PLAIN"), Rest())
    ),
    '* 1 FETCH (BODYSTRUCTURE (("TEXT" ${...})(${...}) "MIXED" ("BOUNDARY" ${}) ${...}))': fetched(
        A("BODYSTRUCTURE"),
        ordered(ordered(S(b"TEXT"), Rest()), ordered(Rest()), S(b"MIXED"), ordered(S(b"BOUNDARY"), Hole("")), Rest()),
    ),
    '* 1 FETCH (BODY ("TEXT" "PLAIN" ${} ${} ${} ${} ${octets} ${lines}))': fetched(
        A("BODY"), ordered(S(b"TEXT"), S(b"PLAIN"), Hole(""), Hole(""), Hole(""), Hole(""), Hole("octets"), Hole("lines"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", TEMPLATES)
def test_a_template_is_a_response_with_holes(text: str) -> None:
    response = template(GRAMMAR, text)
    assert without_raw(response) == TEMPLATES[text]
    assert response.raw == text.encode()


@pytest.mark.parametrize("name", ["EXISTS", "RECENT", "EXPUNGE"])
def test_a_number_in_front_may_be_a_hole(name: str) -> None:
    assert template(GRAMMAR, f"* ${{}} {name}").number == Hole("")
    assert template(GRAMMAR, f"* ${{n}} {name}").number == Hole("n")
    assert template(GRAMMAR, "* ${n} FETCH (UID 5)").number == Hole("n")


@pytest.mark.parametrize(
    "octets", [o for o in vectors.accepted() if b"{" not in o and o.isascii() and o[:1] in b"*+"], ids=repr
)
def test_a_response_without_literals_is_a_template_of_itself(octets: bytes) -> None:
    response = template(GRAMMAR, octets.removesuffix(b"\r\n").decode("ascii"))
    assert without_raw(response) == without_raw(read(GRAMMAR, octets))


@pytest.mark.parametrize(
    ("text", "caret", "rule", "expected"),
    [
        (
            "* 1 FETCH (FLGS (\\Seen))",
            "           ^",
            "msg-att",
            ("${...}", "a data item such as FLAGS or BODY[]"),
        ),
        ("* XYZ", "  ^", "response-data", None),
        ("", "^", "template", ('"*"', '"+"', "OK", "NO", "BAD")),
        ("a1 OK", "^", "template", ('"*"', '"+"', "OK", "NO", "BAD")),
        ("* 1 EXISTS now", "          ^", "response-data", ("the end of the template",)),
        ("OK ", "   ^", "resp-text", None),
        ("OK words ${...}", "         ^", "text", ("7-bit text", "the end of the template")),
        ("OK [${...}]", "    ^", "resp-text-code", ("a response code",)),
        ("OK [${code}]", "    ^", "resp-text-code", ("a response code",)),
        ("OK [X 1 ${...}]", "        ^", "resp-text-code", ("7-bit text", '"]"')),
        ("* CAPABILITY", "            ^", "capability-data", ("a space",)),
        ("* FLAGS (\\Seen ${...} \\Draft)", "                     ^", "flag-list", ('")"',)),
        ("* 1 FETCH (UID ${1x})", "               ^", "uniqueid", None),
        ("* 1 FETCH (UID 0)", "               ^", "uniqueid", None),
        ('* 1 FETCH (BODY[] {text "ü\\q"})', "                  ^", "msg-att-static", None),
        ("* OK [UIDNEXT ${n}", "                  ^", "resp-text", ('"]"',)),
    ],
)
def test_a_template_that_is_wrong_says_where_and_what_was_expected(
    text: str, caret: str, rule: str, expected: tuple[str, ...] | None
) -> None:
    with pytest.raises(Refused) as refused:
        template(GRAMMAR, text)
    problem = refused.value.problem
    assert (problem.rule, problem.offset) == (rule, caret.index("^"))
    assert expected is None or problem.expected == expected
    assert "CRLF" not in problem.message


def test_the_offset_in_a_template_counts_characters() -> None:
    with pytest.raises(Refused) as refused:
        template(GRAMMAR, '* 1 FETCH (BODY[] {text "äöü"} XYZ)')
    assert refused.value.problem.offset == len('* 1 FETCH (BODY[] {text "äöü"} ')
