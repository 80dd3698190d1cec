"""The grammar of commands: what it accepts, what it says of what it refuses, and that responses do not pay for it."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

import lark
import pytest
import vectors
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance import resources
from conformance.errors import SuiteError
from conformance.grammar import Grammar, load
from conformance.grammar.automaton import NEVER, Automaton, Reduction, Stop
from conformance.grammar.compose import compose, files, load_tables
from conformance.response import Atom, List, Nil, Number, String, read

if TYPE_CHECKING:
    from pathlib import Path

GRAMMAR = load()
ACCEPTED = vectors.accepted_commands()
COMPOSITIONS = [
    ("rfc3501",),
    ("rfc3501", "rfc7888"),
    ("rfc3501", "rfc3516"),
    ("rfc3501", "rfc3516", "rfc7888"),
    ("rfc3501", "rfc7888", "rfc3516"),
]


def shown(octets: bytes) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", octets.decode("latin-1"))


def automaton(fragments: tuple[str, ...]) -> Automaton:
    return Automaton(load_tables(files(fragments, commands=True), ("command",)))


# ---- what is accepted, what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", ACCEPTED, ids=shown)
def test_a_well_formed_command_is_accepted(octets: bytes) -> None:
    assert GRAMMAR.explain("command", octets) is None
    assert GRAMMAR.recognise("command", octets)
    assert GRAMMAR.parse("command", octets).data == "command"


@pytest.mark.parametrize("octets", ACCEPTED, ids=shown)
def test_case_makes_no_difference(octets: bytes) -> None:
    for other in (octets.swapcase(), octets.upper(), octets.lower()):
        assert GRAMMAR.explain("command", other) is None


@pytest.mark.parametrize("vector", vectors.refused("commands"), ids=lambda v: shown(v.octets))
def test_a_malformed_command_is_refused_with_rule_offset_and_what_was_expected(
    vector: vectors.Refused,
) -> None:
    problem = GRAMMAR.explain("command", vector.octets)
    assert problem is not None
    assert problem.message.startswith(
        f"{vector.rule}: at octet {vector.offset} expected {vector.expected}, found "
    )
    assert not GRAMMAR.recognise("command", vector.octets)


def test_no_octets_are_no_command() -> None:
    problem = GRAMMAR.explain("command", b"")
    assert problem is not None
    assert problem.message == "command: at octet 0 expected a tag, found nothing more"


def test_the_table_has_a_command_for_every_alternative_of_the_grammar() -> None:
    """Without the alternative, a command of the table is refused."""
    commands = automaton(("rfc3501",))
    texts = [octets.decode("latin-1") for octets in ACCEPTED]
    unreachable = {row[NEVER] for row in commands.actions if NEVER in row}
    folds = {
        id(action): action
        for state, row in enumerate(commands.actions)
        for action in row.values()
        if isinstance(action, Reduction) and state not in unreachable
    }
    assert not [
        text for text in texts if isinstance(commands.run("command", text), Stop)
    ]  # fills the scanners
    complete = commands.actions
    for fold in folds.values():
        commands.actions = [{word: a for word, a in row.items() if a is not fold} for row in complete]
        assert any(isinstance(commands.run("command", text, build=False), Stop) for text in texts), fold


def test_a_tree_bears_the_names_of_the_rules() -> None:
    tree = GRAMMAR.parse(
        "command", b"a UID FETCH 1:*,5 (FLAGS BODY.PEEK[1.HEADER.FIELDS (a {1}\r\nb)]<0.5>)\r\n"
    )
    assert [node.data for node in tree.iter_subtrees_topdown()] == [
        *("command", "command_select", "uid", "fetch", "sequence_set", "seq_range", "fetch_att", "fetch_att"),
        *("section", "section_spec", "section_msgtext", "header_list", "partial"),
    ]  # fmt: skip
    tokens = [str(token) for token in tree.scan_values(lambda _: True)]
    assert tokens[:9] == ["a", "UID", "FETCH", "1", ":", "*", ",", "5", "("]
    assert "{1}\r\nb" in tokens


def test_what_a_literal_holds_is_no_part_of_the_command() -> None:
    message = b"a1 LOGOUT\r\n{5}\r\n)\x80\xff"
    append = b"a APPEND box {%d}\r\n%s" % (len(message), message)
    assert GRAMMAR.recognise("command", append + b"\r\n")
    for end in (b"", b"\r", b"\n", b")\r\n", b" \r\n"):
        assert not GRAMMAR.recognise("command", append + end)
    for count in (len(message) - 1, len(message) + 1):
        assert not GRAMMAR.recognise("command", b"a APPEND box {%d}\r\n%s\r\n" % (count, message))


# ---- every octet in every kind of place ---------------------------------------------------------------------------------

CTL = {*range(0x20), 0x7F}
ATOM_CHAR = set(range(0x80)) - CTL - set(b'(){ %*"\\]')
TEXT_CHAR = set(range(1, 0x80)) - {10, 13}
BASE64 = set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
DIGIT = set(b"0123456789")
PLACES: dict[str, tuple[bytes, bytes, set[int]]] = {
    "tag": (b"a", b"z NOOP\r\n", (ATOM_CHAR | set(b"]")) - set(b"+")),
    "a tag's only octet": (b"", b" NOOP\r\n", (ATOM_CHAR | set(b"]")) - set(b"+")),
    "auth-type": (b"a AUTHENTICATE X", b"Z\r\n", ATOM_CHAR),
    "base64": (b"a AUTHENTICATE X\r\nab", b"d\r\n", BASE64),
    "base64's last octet but one": (b"a AUTHENTICATE X\r\nab", b"=\r\n", BASE64 | set(b"=")),
    "mailbox": (b"a SELECT a", b"z\r\n", ATOM_CHAR | set(b"]")),
    "mailbox in quotes": (b'a SELECT "a', b'z"\r\n', TEXT_CHAR - set(b'"\\')),
    "mailbox in quotes, behind a backslash": (b'a SELECT "\\', b'"\r\n', set(b'"\\')),
    "list-mailbox": (b"a LIST a a", b"z\r\n", ATOM_CHAR | set(b"]%*")),
    "password": (b"a LOGIN a a", b"z\r\n", ATOM_CHAR | set(b"]")),
    "flag": (b"a STORE 1 FLAGS a", b"z\r\n", ATOM_CHAR | set(b" ")),
    "flag extension": (b"a STORE 1 FLAGS (\\a", b"z)\r\n", ATOM_CHAR | set(b" ")),
    "keyword": (b"a SEARCH KEYWORD a", b"z\r\n", ATOM_CHAR),
    "charset": (b"a SEARCH CHARSET a", b"z ALL\r\n", ATOM_CHAR | set(b"]")),
    "number": (b"a SEARCH LARGER ", b"\r\n", DIGIT),
    "seq-number": (b"a SEARCH ", b"\r\n", set(b"123456789*")),
    "second octet of a seq-number": (b"a SEARCH 1", b"1\r\n", DIGIT | set(b",: ")),
    "day": (b"a SEARCH ON ", b"-Jan-2000\r\n", DIGIT),
    "day's second octet": (b'a SEARCH ON "1', b'-Jan-2000"\r\n', DIGIT),
    "fixed day": (b'a APPEND a "', b'1-Jan-2000 00:00:00 +0000" {0}\r\n\r\n', DIGIT | set(b" ")),
    "zone": (b'a APPEND a "01-Jan-2000 00:00:00 ', b'0000" {0}\r\n\r\n', set(b"+-")),
    "partial's separator": (b"a FETCH 1 BODY[]<1", b"1>\r\n", set(b".")),
    "a name's first octet": (b"a ", b"Z\r\n", set(b"Xx")),
    "x-command": (b"a Xa", b"z\r\n", ATOM_CHAR | set(b" ")),
    "x-command's arguments": (b"a Xa a", b"z\r\n", set(range(0x20, 0x7F)) - set(b'(){"')),
    "literal": (b"a SELECT {1}\r\n", b"\r\n", set(range(1, 0x100))),
    "header field name": (b"a FETCH 1 BODY[HEADER.FIELDS (a", b"z)]\r\n", ATOM_CHAR | set(b"] ")),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_each_octet_is_accepted_exactly_where_the_rfc_has_it(place: str) -> None:
    before, after, allowed = PLACES[place]
    assert {n for n in range(0x100) if GRAMMAR.recognise("command", before + bytes([n]) + after)} == allowed


#: Commands in which every space separates two things that cannot do without it.
TIGHT = (
    b"a NOOP",
    b"a LOGIN joe secret",
    b"a AUTHENTICATE PLAIN",
    b"a RENAME a b",
    b"a LIST a %",
    b"a STATUS box (MESSAGES RECENT)",
    b'a APPEND box (\\Seen \\Draft) "01-Jan-2000 00:00:00 +0000" {3}\r\na\r\n',
    b"a COPY 1:2,3 box",
    b'a FETCH 1 (FLAGS BODY[HEADER.FIELDS ("a" b)]<0.1> UID)',
    b"a STORE 1 +FLAGS.SILENT (\\Seen \\Draft)",
    b"a STORE 1 FLAGS \\Seen \\Draft",
    b'a SEARCH CHARSET "UTF-8" OR FROM "x" NOT (SEEN HEADER a "b") ON 1-Jan-2000 UID 1 LARGER 1 KEYWORD x',
)


@pytest.mark.parametrize("line", TIGHT, ids=shown)
def test_a_space_can_neither_be_left_out_nor_doubled(line: bytes) -> None:
    octets = line + b"\r\n"
    assert GRAMMAR.recognise("command", octets)
    for place in (n for n, octet in enumerate(octets) if octet == 0x20):
        assert not GRAMMAR.recognise("command", octets[:place] + octets[place + 1 :]), place
        assert not GRAMMAR.recognise("command", octets[:place] + b" " + octets[place:]), place
    assert not GRAMMAR.recognise("command", line + b" \r\n")


# ---- fragments ----------------------------------------------------------------------------------------------------------

PLUS, BINARY = "rfc7888", "rfc3516"
#: Commands with what has to be composed with RFC 3501 to accept them.
EXTENDED: list[tuple[bytes, set[str]]] = [
    (b"a LOGIN {3+}\r\njoe {0+}\r\n\r\n", {PLUS}),
    (b"a LOGIN {3}\r\njoe {3+}\r\nx y\r\n", {PLUS}),
    (b"a APPEND box {3+}\r\na\r\n\r\n", {PLUS}),
    (b"a XY ({3+}\r\n(()) {1}\r\n(\r\n", {PLUS}),
    (b"a FETCH 1 BODY[HEADER.FIELDS ({1+}\r\na)]\r\n", {PLUS}),
    (b"a APPEND box ~{3}\r\na\0b\r\n", {BINARY}),
    (b'a APPEND box (\\Seen) "01-Jan-2000 00:00:00 +0000" ~{0}\r\n\r\n', {BINARY}),
    (b"a FETCH 1 BINARY[]\r\n", {BINARY}),
    (b"a FETCH 1 BINARY[1.2]<0.5>\r\n", {BINARY}),
    (b"a FETCH 1 (binary.peek[3] binary.size[3] BINARY.SIZE[] BODY[])\r\n", {BINARY}),
    (b"a APPEND box ~{3+}\r\na\0b\r\n", {PLUS, BINARY}),
]
REFUSED = (
    b"a LOGIN ~{3}\r\njoe x\r\n",
    b"a LOGIN {3-}\r\njoe x\r\n",
    b"a LOGIN {+3}\r\njoe x\r\n",
    b"a LOGIN {3++}\r\njoe x\r\n",
    b"a LOGIN {+}\r\n x\r\n",
    b"a LOGIN {3+}\r\nj\0e x\r\n",
    b"a LOGIN {3+}\njoe x\r\n",
    b"a LOGIN {9+}\r\njoe x\r\n",
    b"a APPEND box ~{3}\r\nab\r\n",
    b"a APPEND box ~{3}\nabc\r\n",
    b"a APPEND box ~ {3}\r\nabc\r\n",
    b'a APPEND box ~"abc"\r\n',
    b"a FETCH 1 BINARY\r\n",
    b"a FETCH 1 BINARY[HEADER]\r\n",
    b"a FETCH 1 BINARY[1.MIME]\r\n",
    b"a FETCH 1 BINARY.SIZE[1]<0.1>\r\n",
    b"a FETCH 1 BINARY.SIZE\r\n",
    b"a FETCH 1 BINARY[0]\r\n",
)  # fmt: skip


@pytest.mark.parametrize("fragments", COMPOSITIONS, ids="+".join)
def test_an_extension_is_accepted_where_it_is_composed_and_only_there(fragments: tuple[str, ...]) -> None:
    grammar = load(fragments)
    for octets, needed in EXTENDED:
        assert grammar.recognise("command", octets) == (needed <= set(fragments)), octets
    for octets in REFUSED:
        assert not grammar.recognise("command", octets), octets
    for octets in ACCEPTED:
        assert grammar.recognise("command", octets), octets


@pytest.mark.parametrize("fragments", COMPOSITIONS, ids="+".join)
def test_a_server_never_sends_a_non_synchronizing_literal(fragments: tuple[str, ...]) -> None:
    grammar = load(fragments)
    assert grammar.recognise("response", b"* 1 FETCH (BODY[] {1}\r\nx)\r\n")
    assert not grammar.recognise("response", b"* 1 FETCH (BODY[] {1+}\r\nx)\r\n")
    assert not grammar.recognise("response", b"* 1 FETCH (BODY[] ~{1}\r\nx)\r\n")
    assert not grammar.recognise("response", b"* 1 FETCH (BINARY[1] ~{1+}\r\nx)\r\n")


def test_binary_items_of_a_response_are_read() -> None:
    octets = b"* 1 FETCH (BINARY[1.2]<0> ~{3}\r\na\0b binary.size[] 5 BINARY[1] NIL BINARY[2] {1}\r\nx)\r\n"
    response = read(load(("rfc3501", BINARY)), octets)
    assert response.problem is None
    values = (
        Atom("BINARY[1.2]<0>"),
        String(b"a\0b"),
        Atom("BINARY.SIZE[]"),
        Number(5),
        Atom("BINARY[1]"),
        Nil(),
    )
    assert response.items == (List((*values, Atom("BINARY[2]"), String(b"x"))),)
    assert read(load(), octets).problem is not None
    for wrong in (
        b"BINARY[1] {1}\r\n\0",
        b"BINARY.SIZE[1] NIL",
        b"BINARY.SIZE[1] ~{1}\r\nx",
        b"BINARY.PEEK[1] NIL",
    ):
        assert not load(("rfc3501", BINARY)).recognise("response", b"* 1 FETCH (" + wrong + b")\r\n")


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"a LOGIN {3+x", 'literal: at octet 11 expected "}", found x'),
        (b"a LOGIN {3x", 'literal: at octet 10 expected a digit, "+" or "}", found x'),
        (b"a LOGIN {3+}\n", "literal: at octet 12 expected CRLF, found \\n"),
        (b"a APPEND a ~{3-}", 'literal8: at octet 14 expected a digit, "+" or "}", found -}'),
        (b"a APPEND a ~{}", "literal8: at octet 13 expected a number, found }"),
        (b"a APPEND a ~x", 'append: at octet 11 expected "(", a double quote, a literal that begins with ~ or a literal, found ~x'),
    ],
)  # fmt: skip
def test_a_wrong_header_of_a_literal_is_pointed_at(octets: bytes, message: str) -> None:
    problem = load(("rfc3501", PLUS, BINARY)).explain("command", octets)
    assert problem is not None
    assert problem.message == message


# ---- the price ----------------------------------------------------------------------------------------------------------

HOSTILE: dict[str, bytes] = {
    "20,000 times NOT": b"a SEARCH" + b" NOT" * 20_000 + b" ALL\r\n",
    "20,000 times OR": b"a SEARCH" + b" OR" * 20_000 + b" 1" * 20_001 + b"\r\n",
    "20,000 parentheses": b"a SEARCH " + b"(" * 20_000 + b"ALL" + b")" * 20_000 + b"\r\n",
    "20,000 parentheses that never close": b"a SEARCH " + b"(" * 20_000,
    "20,000 ranges": b"a COPY " + b"1:*," * 20_000 + b"1 box\r\n",
    "20,000 ranges, the last one wrong": b"a COPY " + b"1:*," * 20_000 + b"0 box\r\n",
    "20,000 parts": b"a FETCH 1 BODY[1" + b".1" * 20_000 + b"]\r\n",
    "20,000 flags": b"a STORE 1 FLAGS" + b" \\Seen" * 20_000 + b" \\Recent\r\n",
    "20,000 lines of base64": b"a AUTHENTICATE X\r\n" + b"abcd\r\n\r\n" * 20_000 + b"x",
    "a megabyte of base64": b"a AUTHENTICATE X\r\n" + b"abcd" * 250_000 + b"a\r\n",
    "20,000 arguments": b"a XY " + b"(" * 20_000 + b" x" * 20_000,
    "a number of 20,000 digits": b"a FETCH " + b"9" * 20_000 + b" ALL\r\n",
    "20,000 literals": b"a XY" + b" {1}\r\nx" * 20_000 + b"\r\n",
}  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_input_is_judged_in_bounded_time_whatever_its_depth(attack: str) -> None:
    octets = HOSTILE[attack]
    begun = time.process_time()
    assert GRAMMAR.recognise("command", octets) == (GRAMMAR.explain("command", octets) is None)
    assert time.process_time() - begun < 10


def test_commands_are_compiled_when_the_first_one_is_judged() -> None:
    grammar = Grammar(("rfc3501",))
    assert grammar.recognise("response", b"* 1 EXISTS\r\n")
    assert "_commands" not in vars(grammar)
    assert grammar.recognise("command", b"a NOOP\r\n")
    assert "_commands" in vars(grammar)


@given(
    st.binary(max_size=60)
    | st.text('a X1:*,()[]{}"\\\r\n\x00\xff=NOT.FLAGS', max_size=60).map(
        lambda t: b"a " + t.encode("latin-1")
    )
)
@example(b"a SEARCH ON 1-Jan")
@example(b"a AUTHENTICATE X\r\nab=")
@settings(deadline=None)  # the first command compiles the grammar
def test_any_octets_are_judged_and_the_offset_lies_within_them(octets: bytes) -> None:
    problem = GRAMMAR.explain("command", octets)
    assert GRAMMAR.recognise("command", octets) == (problem is None)
    if problem is not None:
        assert 0 <= problem.offset <= len(octets)
        assert problem.rule
        assert problem.expected
        assert problem.message.isprintable()


# ---- the files ----------------------------------------------------------------------------------------------------------


def test_no_alternative_of_the_grammars_hides_another(caplog: pytest.LogCaptureFixture) -> None:
    """Lark resolves a conflict silently (as a shift): it tells only its log."""
    lark.logger.propagate = True
    level = lark.logger.level
    try:
        with caplog.at_level(logging.DEBUG, lark.logger.name):
            for fragments in COMPOSITIONS:
                automaton(fragments)
                compose(files(fragments, commands=False), ("response_unit", "greeting"))
    finally:
        lark.logger.setLevel(level)
        lark.logger.propagate = False
    assert not [r.message for r in caplog.records if "onflict" in r.message or "collision" in r.message]


def test_every_rule_of_the_files_is_used() -> None:
    """A rule that neither commands nor responses reach is a mistake in a file."""
    fragments = COMPOSITIONS[-1]
    response = Automaton(load_tables(files(fragments, commands=False), ("response_unit", "greeting")))
    productions = (*automaton(fragments).tables.productions, *response.tables.productions)
    reached = {production.rule for production in productions}
    for name in files(fragments, commands=True):
        text = (resources.GRAMMARS / f"{name}.lark").read_text(encoding="ascii")
        assert set(re.findall(r"^\??([a-z][a-z0-9_]*):", text, re.MULTILINE)) <= reached


def test_no_pattern_looks_around() -> None:
    """The fast recogniser that is derived from the files has no look-around."""
    patterns = [t.text for t in automaton(COMPOSITIONS[-1]).terminals.values()]
    assert not [p for p in patterns if "(?=" in p or "(?!" in p or "(?<" in p]


def test_an_error_in_a_file_for_commands_is_found_when_a_command_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "GRAMMARS", tmp_path)
    (tmp_path / "one.lark").write_text('response_unit: "A"\n\ngreeting: "B"\n', encoding="ascii")
    (tmp_path / "one-commands.lark").write_text("\n\ncommand: nowhere\n", encoding="ascii")
    grammar = Grammar(("one",))
    assert grammar.recognise("response", b"a")
    with pytest.raises(SuiteError, match=r"one-commands\.lark:3: .*nowhere"):
        grammar.recognise("command", b"a")


def test_a_terminal_that_no_command_needs_is_not_compiled() -> None:
    assert not {"TEXT", "AUTH_CAPABILITY", "LITERAL8"} & automaton(("rfc3501",)).terminals.keys()
