"""The grammar of responses: what it accepts, what it says of what it refuses, and what it costs."""

from __future__ import annotations

import itertools
import logging
import re
import time
from typing import TYPE_CHECKING

import lark
import pytest
import vectors
from hypothesis import example, given
from hypothesis import strategies as st

from conformance import resources
from conformance.errors import SuiteError
from conformance.grammar import Grammar, Refused, load
from conformance.grammar.automaton import Automaton
from conformance.grammar.compose import compose, load_tables

if TYPE_CHECKING:
    from pathlib import Path

GRAMMAR = load()
ENVELOPE = b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def shown(octets: bytes) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", octets.decode("latin-1"))


# ---- what is accepted, what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize("octets", vectors.accepted(), ids=shown)
def test_a_well_formed_response_is_accepted(octets: bytes) -> None:
    assert GRAMMAR.explain("response", octets) is None
    assert GRAMMAR.recognise("response", octets)


@pytest.mark.parametrize("vector", vectors.refused(), ids=lambda v: shown(v.octets))
def test_a_malformed_response_is_refused_with_rule_offset_and_what_was_expected(
    vector: vectors.Refused,
) -> None:
    problem = GRAMMAR.explain("response", vector.octets)
    assert problem is not None
    assert (problem.rule, problem.offset) == (vector.rule, vector.offset)
    assert problem.message.startswith(
        f"{vector.rule}: at octet {vector.offset} expected {vector.expected}, found "
    )
    assert not GRAMMAR.recognise("response", vector.octets)
    with pytest.raises(Refused) as refused:
        GRAMMAR.parse("response", vector.octets)
    assert refused.value.problem == problem


@pytest.mark.parametrize(
    "greeting", [b"* OK hi\r\n", b"* PREAUTH hi\r\n", b"* BYE no\r\n", b"* OK [CAPABILITY A] hi\r\n"]
)
def test_a_greeting_is_ok_preauth_or_bye(greeting: bytes) -> None:
    assert GRAMMAR.recognise("greeting", greeting)


@pytest.mark.parametrize(
    "other",
    [b"* NO x\r\n", b"* BAD x\r\n", b"a1 OK x\r\n", b"+ x\r\n", b"* 1 EXISTS\r\n", b"* CAPABILITY A\r\n"],
)
def test_nothing_else_is_a_greeting(other: bytes) -> None:
    assert not GRAMMAR.recognise("greeting", other)
    assert GRAMMAR.recognise("response", other)


def test_octets_that_were_found_are_made_visible() -> None:
    problem = GRAMMAR.explain("response", b"* 1 FETCH (UID \x00\xe9\t\r\n")
    assert problem is not None
    assert problem.found == r"\x00\xe9\t\r\n"
    outer = GRAMMAR.explain("response", b"* 3 EXISTS  ")
    assert outer is not None
    assert outer.found == r"\x20\x20"
    long = GRAMMAR.explain("response", b"* " + b"x" * 1000)
    assert long is not None
    assert long.found == "x" * 24 + "..."


# ---- every octet in every kind of place ---------------------------------------------------------------------------------

CTL = {*range(0x20), 0x7F}
ATOM_CHAR = set(range(0x80)) - CTL - set(b'(){ %*"\\]')
TEXT_CHAR = set(range(1, 0x80)) - {10, 13}
PLACES: dict[str, tuple[bytes, bytes, set[int]]] = {
    "atom (flag keyword)": (b"* FLAGS (a", b"z)\r\n", ATOM_CHAR | {0x20}),
    "atom (capability)": (b"* CAPABILITY a", b"z\r\n", ATOM_CHAR | {0x20}),
    "atom (flag extension)": (rb"* FLAGS (\a", b"z)\r\n", ATOM_CHAR | {0x20}),
    "atom (mailbox attribute)": (rb"* LIST (\a", b'z) "/" x\r\n', ATOM_CHAR),
    "atom (response code)": (b"* OK [X", b"] text\r\n", ATOM_CHAR),
    "astring": (b'* LIST () "/" a', b"z\r\n", ATOM_CHAR | set(b"]")),
    "tag": (b"a", b"z OK done\r\n", (ATOM_CHAR | set(b"]")) - set(b"+")),
    "text": (b"* OK a", b"z\r\n", TEXT_CHAR),
    "text's first octet": (b"* OK ", b"z\r\n", TEXT_CHAR - set(b"[")),
    "text's first octet after a code": (b"* OK [ALERT] ", b"z\r\n", TEXT_CHAR),
    "argument of an unknown code": (b"* OK [X a", b"z] text\r\n", TEXT_CHAR - set(b"]")),
    "quoted": (b'* LIST () "/" "a', b'z"\r\n', TEXT_CHAR - set(b'"\\')),
    "quoted, behind a backslash": (b'* LIST () "/" "a\\', b'z"\r\n', set(b'"\\')),
    "delimiter": (b'* LIST () "', b'" x\r\n', TEXT_CHAR - set(b'"\\')),
    "literal": (b'* LIST () "/" {1}\r\n', b"\r\n", set(range(1, 0x100))),
    "number": (b"* 1", b" EXISTS\r\n", set(b"0123456789")),
    "nz-number": (b"* 1 FETCH (UID ", b")\r\n", set(b"123456789")),
}


@pytest.mark.parametrize("place", PLACES)
def test_each_octet_is_accepted_exactly_where_the_rfc_has_it(place: str) -> None:
    before, after, allowed = PLACES[place]
    assert {n for n in range(0x100) if GRAMMAR.recognise("response", before + bytes([n]) + after)} == allowed


@pytest.mark.parametrize("word", ["Recent", "recent", "RECENT"])
def test_recent_is_a_flag_of_fetch_alone(word: str) -> None:
    flag = b"\\" + word.encode()
    assert GRAMMAR.recognise("response", b"* 1 FETCH (FLAGS (" + flag + b"))\r\n")
    assert not GRAMMAR.recognise("response", b"* FLAGS (" + flag + b")\r\n")
    assert not GRAMMAR.recognise("response", b"* OK [PERMANENTFLAGS (" + flag + b")] x\r\n")
    for other in (flag[:-1], flag + b"x", flag[1:]):
        assert GRAMMAR.recognise("response", b"* FLAGS (" + other + b")\r\n")


SELECTABILITY = (rb"\Noselect", rb"\marked", rb"\UNMARKED")


@pytest.mark.parametrize("flags", list(itertools.permutations((*SELECTABILITY, rb"\Noinferiors", rb"\X"), 3)))
def test_a_mailbox_has_one_selectability_flag_anywhere_among_the_others(flags: tuple[bytes, ...]) -> None:
    line = b"* LIST (" + b" ".join(flags) + b') "/" x\r\n'
    assert GRAMMAR.recognise("response", line) == (sum(flag in SELECTABILITY for flag in flags) == 1)


#: Responses in which every space separates two things that cannot do without it.
TIGHT = (
    b"* CAPABILITY A",
    b"* BYE text",
    b"a1 OK text",
    b"+ text",
    b"* 1 EXISTS",
    b"* 1 EXPUNGE",
    b"* SEARCH 1",
    rb"* FLAGS (\Seen \Draft)",
    rb'* LIST (\A \Marked \B) "/" box',
    b"* LSUB () NIL box",
    b"* STATUS box (MESSAGES 1 UIDNEXT 2 UNSEEN 3)",
    rb"* 1 FETCH (FLAGS (\Seen \Recent) UID 1 RFC822.SIZE 2 RFC822 NIL BODY[] NIL BODY[1.HEADER.FIELDS (a {1}\r\nb)]<0> NIL)".replace(rb"\r\n", b"\r\n"),
    b'* 1 FETCH (INTERNALDATE "07-Feb-2004 22:43:04 -0800")',
    b'* 1 FETCH (ENVELOPE (NIL NIL ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL NIL NIL))',
    b'* 1 FETCH (BODY ("TEXT" "PLAIN" ("a" "b" "c" "d") NIL NIL "7BIT" 1 2 NIL ("x" ("a" "b")) ("de" "en") NIL (1 NIL)))',
    b'* 1 FETCH (BODY ("A" "B" NIL NIL NIL "7BIT" 1))',
    b'* 1 FETCH (BODYSTRUCTURE (("A" "B" NIL NIL NIL "7BIT" 1) "MIXED" NIL NIL NIL NIL 1))',
    b'* 1 FETCH (BODY ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 ' + ENVELOPE + b' ("A" "B" NIL NIL NIL "7BIT" 1) 7))',
)  # fmt: skip


@pytest.mark.parametrize("line", TIGHT, ids=shown)
def test_a_space_can_neither_be_left_out_nor_doubled(line: bytes) -> None:
    octets = line + b"\r\n"
    assert GRAMMAR.recognise("response", octets)
    text = octets.find(b"text")
    for place in (n for n, octet in enumerate(octets) if octet == 0x20):
        assert not GRAMMAR.recognise("response", octets[:place] + octets[place + 1 :]), place
        if place + 1 != text:  # a second space there begins the text
            assert not GRAMMAR.recognise("response", octets[:place] + b" " + octets[place:]), place


def test_a_greeting_needs_its_spaces() -> None:
    for greeting in (b"*OK hi\r\n", b"* PREAUTH[ALERT] hi\r\n", b"* OKhi\r\n", b"*  OK hi\r\n", b"* BYE\r\n"):
        assert not GRAMMAR.recognise("greeting", greeting)


# ---- work is linear, depth is harmless ----------------------------------------------------------------------------------

HOSTILE: dict[str, bytes] = {
    "20,000 flags": b"* 1 FETCH (FLAGS (" + b" ".join([rb"\Seen"] * 20_000) + b"))\r\n",
    "20,000 flags that never end": b"* 1 FETCH (FLAGS (" + b" ".join([rb"\Seen"] * 20_000) + b"\r\n",
    "20,000 words of a flag list, the last one wrong": b"* FLAGS (" + b"a " * 20_000 + b"\xff)\r\n",
    "64 levels of body extensions": b'* 1 FETCH (BODY ("A" "B" NIL NIL NIL "7BIT" 1 NIL NIL NIL NIL ' + b"(" * 64 + b"1" + b")" * 64 + b"))\r\n",
    "20,000 levels of multipart": b"* 1 FETCH (BODY " + b"(" * 20_000 + b"\r\n",
    "2,000 levels of messages": b"* 1 FETCH (BODY " + b'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 ' + (ENVELOPE + b' ("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 ') * 2_000 + b"\r\n",
    "20,000 levels of extensions": b'* 1 FETCH (BODY ("A" "B" NIL NIL NIL "7BIT" 1 NIL NIL NIL NIL ' + b"(" * 20_000 + b"1" + b")" * 20_000 + b"))\r\n",
    "20,000 body parts": b"* 1 FETCH (BODY (" + b'("A" "B" NIL NIL NIL "7BIT" 1)' * 20_000 + b' "MIXED"))\r\n',
    "20,000 body parameters, one half missing": b'* 1 FETCH (BODY ("A" "B" (' + b'"a" "b" ' * 20_000 + b'"c") NIL NIL "7BIT" 1))\r\n',
    "20,000 addresses": b"* 1 FETCH (ENVELOPE (NIL NIL (" + b'(NIL NIL "a" "b")' * 20_000 + b") NIL NIL NIL NIL NIL NIL NIL))\r\n",
    "a number of 20,000 digits": b"* " + b"9" * 20_000 + b" EXISTS\r\n",
    "a literal of 10 to the 20,000 octets": b'* LIST () "/" {' + b"9" * 20_000 + b"}\r\nx\r\n",
    "a quoted string of backslashes": b'* LIST () "/" "' + b"\\\\" * 100_000 + b"\r\n",
    "20,000 literals": b"* NO [BADCHARSET (" + b" ".join([b"{1}\r\nx"] * 20_000) + b")] x\r\n",
    "status text without end": b"* OK " + b"x" * 1_000_000,
    "a code without end": b"* OK [X " + b"x" * 1_000_000,
    "a section without end": b"* 1 FETCH (BODY[" + b"1." * 20_000 + b"\r\n",
    "20,000 search results": b"* SEARCH" + b" 4294967295" * 20_000 + b" \r\n",
}  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_input_is_judged_in_bounded_time_whatever_its_depth(attack: str) -> None:
    octets = HOSTILE[attack]
    begun = time.process_time()
    problem = GRAMMAR.explain("response", octets)
    assert GRAMMAR.recognise("response", octets) == (problem is None)
    assert time.process_time() - begun < 10


@pytest.mark.parametrize("unit", [rb"\Seen ", b"(", b'("A" "B" NIL NIL NIL "7BIT" 1)'])
def test_work_grows_with_the_input_and_no_faster(unit: bytes) -> None:
    head = b"* 1 FETCH (FLAGS (" if unit.startswith(b"\\") else b"* 1 FETCH (BODY ("

    def seconds(count: int) -> float:
        octets = head + unit * count
        begun = time.process_time()
        GRAMMAR.explain("response", octets)
        return time.process_time() - begun

    seconds(2_000)
    small = min(seconds(2_000) for _ in range(3))
    assert min(seconds(20_000) for _ in range(3)) < 40 * small  # a quadratic reader needs 100 times as long


@given(
    st.binary(max_size=60)
    | st.text('*+ ()[]{}"\\\r\nOKFETCH19\x00\xff', max_size=60).map(lambda t: t.encode("latin-1"))
)
@example(b"* OK [UNSEEN 8]")
@example(b"* 1 FETCH (BODY[] {5}\r\n")
def test_any_octets_are_judged_and_the_offset_lies_within_them(octets: bytes) -> None:
    problem = GRAMMAR.explain("response", octets)
    assert GRAMMAR.recognise("response", octets) == (problem is None)
    if problem is not None:
        assert 0 <= problem.offset <= len(octets)
        assert problem.rule
        assert problem.expected
        assert problem.message.isprintable()


@given(st.sampled_from(vectors.accepted()), st.data())
def test_what_comes_before_the_offset_is_not_to_blame(octets: bytes, data: st.DataObject) -> None:
    """The octets before the offset begin some well-formed response: changing what follows can mend it."""
    place = data.draw(st.integers(0, len(octets) - 1))
    broken = octets[:place] + data.draw(st.binary(min_size=1, max_size=1)) + octets[place + 1 :]
    problem = GRAMMAR.explain("response", broken)
    if problem is not None and b"{" not in octets:
        assert problem.offset >= place or GRAMMAR.explain("response", octets[:place]) is not None


# ---- composition --------------------------------------------------------------------------------------------------------


def test_the_grammar_is_compiled_once() -> None:
    assert load() is load()


def test_no_alternative_of_the_grammars_hides_another(caplog: pytest.LogCaptureFixture) -> None:
    """Lark resolves a conflict silently (as a shift): it tells only its log."""
    lark.logger.propagate = True
    level = lark.logger.level
    try:
        with caplog.at_level(logging.DEBUG, lark.logger.name):
            compose(("rfc3501",), ("response_unit", "greeting"))
            compose(("rfc3501", "template"), ("template",))
    finally:
        lark.logger.setLevel(level)
        lark.logger.propagate = False
    assert not [r.message for r in caplog.records if "onflict" in r.message or "collision" in r.message]


def fragments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **texts: str) -> tuple[str, ...]:
    for name, text in texts.items():
        (tmp_path / f"{name}.lark").write_text(text, encoding="ascii")
    monkeypatch.setattr(resources, "GRAMMARS", tmp_path)
    return tuple(texts)


ONE = '// one\nresponse_unit: "*" SP word CRLF\n\ngreeting: response_unit\n\nword: "FLAGS"\n\nSP: " "\nCRLF: "\\r\\n"\n'


def test_two_fragments_extend_the_same_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = fragments(
        tmp_path, monkeypatch, one=ONE, two='%extend word: "TWO"\n', three='%extend word: "THREE"\n'
    )
    grammar = Grammar(names)
    for word in (b"FLAGS", b"two", b"Three"):
        assert grammar.recognise("response", b"* " + word + b"\r\n")
    assert not grammar.recognise("response", b"* FOUR\r\n")


def test_a_fragment_overrides_a_rule_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grammar = Grammar(fragments(tmp_path, monkeypatch, one=ONE, two='%override word: "TWO"\n'))
    assert grammar.recognise("response", b"* TWO\r\n")
    assert not grammar.recognise("response", b"* FLAGS\r\n")


@pytest.mark.parametrize(
    ("second", "place", "words"),
    [
        ("\n\n%extend word: (\n", "two.lark:3", "line 3 column 16"),
        ("// fine\n\nother: nowhere\n%extend word: other\n", "two.lark:3", "nowhere"),
        ("\nword [SP]\n", "two.lark:2", "line 2, column 6"),
        ("%extend missing: SP\n", "two.lark:1", "missing"),
        ("\nword: SP\n", "two.lark:2", "word"),
        ("\nX: /[/\n%extend word: X\n", "two.lark:2", "X"),
        ('\none: "A"\nother: "A"\n%extend word: one | other\n', "two.lark:", "collision"),
    ],
)
def test_an_error_in_a_fragment_names_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str, place: str, words: str
) -> None:
    with pytest.raises(SuiteError) as error:
        Grammar(fragments(tmp_path, monkeypatch, one=ONE, two=second))
    assert str(error.value).startswith(place)
    assert words in str(error.value)


def test_a_fragment_that_is_missing_is_our_error() -> None:
    with pytest.raises(SuiteError, match=r"rfc0000\.lark"):
        load(("rfc3501", "rfc0000"))


# ---- the file itself ----------------------------------------------------------------------------------------------------

DEFINITION = re.compile(r"^\??([a-z][a-z0-9_]*):", re.MULTILINE)


def test_every_rule_of_the_file_is_used() -> None:
    """A rule that no response reaches is a mistake in the file."""
    text = (resources.GRAMMARS / "rfc3501.lark").read_text(encoding="ascii")
    automaton = Automaton(load_tables(("rfc3501",), ("response_unit", "greeting")))
    reached = {production.rule for production in automaton.tables.productions}
    assert set(DEFINITION.findall(text)) <= reached


def test_no_pattern_of_the_rfc_looks_around() -> None:
    """The fast recogniser that is derived from the file has no look-around."""
    automaton = Automaton(load_tables(("rfc3501",), ("response_unit", "greeting")))
    assert not [
        name
        for name, t in automaton.terminals.items()
        if "(?=" in t.text or "(?!" in t.text or "(?<" in t.text
    ]
