"""What is right and what is wrong in one response that the formal syntax lets pass: `semantic_lines` and properties."""

from __future__ import annotations

import base64
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import vectors
from hypothesis import given
from hypothesis import strategies as st
from semantic_lines import (
    ENVELOPE,
    MESSAGE,
    PLAIN,
    RIGHT,
    SYSTEM,
    TEXT,
    UNCONCERNED,
    WRONG,
    date,
    fetch,
    name,
)

from conformance.checks import DOUBTFUL_SYNTAX, HOLDS, RESPONSE_CHECKS, Broken, on_response
from conformance.checks.registry import concerned
from conformance.checks.structure import leaves
from conformance.grammar import load
from conformance.model import Mailbox, State, View
from conformance.response import List, Number, read, template

if TYPE_CHECKING:
    import datetime as dt

GRAMMAR = load()

#: Said by another command than FETCH, or in an authentication exchange: see the tests below.
OF_THE_CONNECTION = {"6.2.2/challenge-base64", "7.4.2/origin-when-asked"}


def outcome(requirement: str, line: str, view: View | None = None) -> object:
    """What a check answers to a line: HOLDS, None, or the kind of what is broken."""
    response = read(GRAMMAR, line.encode("latin-1") + b"\r\n")
    assert response.problem is None, response.problem.message
    found = RESPONSE_CHECKS[f"rfc3501/{requirement}"].ask(view or View(State.SELECTED), response)
    return found.kind if isinstance(found, Broken) else found


@pytest.mark.parametrize(("requirement", "line"), [(r, line) for r, lines in RIGHT.items() for line in lines])
def test_what_is_right_holds(requirement: str, line: str) -> None:
    assert outcome(requirement, line) is HOLDS


@pytest.mark.parametrize(
    ("requirement", "kind", "line"),
    [(r, kind, line) for r, kinds in WRONG.items() for kind, lines in kinds.items() for line in lines],
)
def test_what_is_wrong_is_called_by_its_kind(requirement: str, kind: str, line: str) -> None:
    assert outcome(requirement, line) == kind


@pytest.mark.parametrize(
    ("requirement", "line"), [(r, line) for r, lines in UNCONCERNED.items() for line in lines]
)
def test_what_says_nothing_about_a_requirement_is_not_asked(requirement: str, line: str) -> None:
    assert outcome(requirement, line) is None


def test_each_check_has_right_and_wrong_lines() -> None:
    assert RIGHT.keys() == WRONG.keys()
    assert {
        f"rfc3501/{requirement}" for requirement in RIGHT.keys() | OF_THE_CONNECTION
    } <= RESPONSE_CHECKS.keys()
    assert UNCONCERNED.keys() <= RIGHT.keys()


def test_a_check_that_is_not_asked_about_a_response_has_nothing_to_say_about_it() -> None:
    lines = [
        line.encode("latin-1") + b"\r\n"
        for table in (RIGHT, UNCONCERNED)
        for of in table.values()
        for line in of
    ]
    lines += [
        line.encode("latin-1") + b"\r\n" for kinds in WRONG.values() for of in kinds.values() for line in of
    ]
    lines += [*vectors.accepted(), *(vector.octets for vector in vectors.refused())]
    silent = 0
    for response in (read(GRAMMAR, line) for line in lines):
        for view in views():
            asked = {requirement for requirement, _ in concerned(response)}
            others = RESPONSE_CHECKS.keys() - asked
            silent += len(others)
            assert [r for r in sorted(others) if RESPONSE_CHECKS[r].ask(view, response) is not None] == []
    assert silent > 100_000


def views() -> list[View]:
    """Connections of different kinds, in which tag a1 is in progress."""
    box = Mailbox(exists=1, recent=2, uidvalidity=7, uidnext=3, unseen=9, uids={1: 5})
    connected, encrypted, leaving, opening, selected = (
        View(),
        View(tls_fresh=True),
        View(State.SELECTED),
        View(State.AUTHENTICATED),
        View(State.SELECTED),
    )
    for view, command in ((encrypted, "LOGIN"), (leaving, "NOOP"), (opening, "EXAMINE"), (selected, "FETCH")):
        view.send("a1", command)
        view.mailbox = box
    opening.opening, leaving.last_tags = box, frozenset()
    return [connected, encrypted, leaving, opening, selected]


# ---- what concerns the connection ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("+ ", HOLDS),
        ("+ UGFzc3dvcmQ6", HOLDS),
        ("+ YQ==", HOLDS),
        ("+ YQ=", "not-base64"),
        ("+ Password:", "not-base64"),
        ("+ go on", "not-base64"),
        ("+ [X-CODE] YQ==", "not-base64"),
        ("* OK go on", None),
    ],
)
def test_in_an_authentication_exchange_a_challenge_is_base64(line: str, expected: object) -> None:
    view = View(State.NOT_AUTHENTICATED)
    view.send("a1", "AUTHENTICATE")
    assert outcome("6.2.2/challenge-base64", line, view) == expected


def test_elsewhere_a_continuation_request_is_any_text() -> None:
    for names in ([], ["APPEND"], ["AUTHENTICATE", "NOOP"]):
        view = View(State.NOT_AUTHENTICATED)
        for n, command in enumerate(names):
            view.send(f"a{n}", command)
        assert outcome("6.2.2/challenge-base64", "+ go on", view) is None


@pytest.mark.parametrize(
    ("pending", "expected"),
    [
        ([], "not-asked"),
        (["NOOP"], "not-asked"),
        (["STORE", "UID STORE"], "not-asked"),
        (["FETCH"], HOLDS),
        (["NOOP", "UID FETCH"], HOLDS),
        (["XFETCH"], None),
        (["NOOP", "IDLE"], None),
    ],
)
def test_an_origin_stands_only_in_the_answer_to_a_fetch(pending: list[str], expected: object) -> None:
    view = View(State.SELECTED)
    for n, command in enumerate(pending):
        view.send(f"a{n}", command)
    for item in ("BODY[]<0>", "BODY[1.HEADER.FIELDS (A B)]<7>"):
        assert outcome("7.4.2/origin-when-asked", fetch(f'{item} ""'), view) == expected
    assert outcome("7.4.2/origin-when-asked", fetch("BODY[] NIL"), view) is None


def test_after_raw_octets_nobody_knows_what_was_asked() -> None:
    view = View(State.SELECTED, uncertain=True)
    view.send("a", "AUTHENTICATE")
    assert outcome("7.4.2/origin-when-asked", fetch("BODY[]<0> NIL"), view) is None
    assert outcome("6.2.2/challenge-base64", "+ go on", view) is None


# ---- what the grammar refuses -------------------------------------------------------------------------------------------

DEFAULTED = "rfc3501/7.4.2/body-type-fields"


@pytest.mark.parametrize(
    "structure",
    [
        '("TEXT" "PLAIN" NIL NIL NIL "7BIT" 48)',
        '("text" "plain" ("charset" "utf-8") NIL NIL "7BIT" 48)',
        f'({PLAIN}("TEXT" "PLAIN" NIL NIL NIL "7BIT" 48){TEXT} "MIXED")',
        '("TEXT" "PLAIN" NIL NIL NIL "7BIT" 48 NIL NIL NIL NIL)',
        '("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 48)',
        '("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 48 NIL NIL)',
        f'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 48 {ENVELOPE} {TEXT})',
    ],
)
def test_a_part_without_the_fields_of_its_type_has_a_requirement_of_its_own(structure: str) -> None:
    for item in ("BODY", "BODYSTRUCTURE"):
        response = read(GRAMMAR, fetch(f"{item} {structure}").encode() + b"\r\n")
        found = on_response(View(State.SELECTED), response, Counter())
        assert [violation.requirement for violation in found] == [DEFAULTED]


@pytest.mark.parametrize(
    "items",
    [
        'BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" NIL 3)',
        'BODY ("TEXT" NIL NIL NIL "7BIT" 48 3)',
        f"BODY {TEXT} UID 0",
        f"ENVELOPE ({ENVELOPE})",
        'BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 48  3)',
        f"BODY ({TEXT})",
    ],
)
def test_another_fault_of_a_structure_remains_one_of_syntax(items: str) -> None:
    response = read(GRAMMAR, fetch(items).encode() + b"\r\n")
    assert response.problem is not None
    assert not DOUBTFUL_SYNTAX[DEFAULTED](response, response.problem)


@pytest.mark.parametrize(
    ("line", "syntax"),
    [
        (rf"* FLAGS ({SYSTEM} \Recent a a)", "7.2.6/flags-syntax"),
        ("* 99999999999 FETCH (UID 0)", "7.4.2/fetch-syntax"),
        ("* SEARCH 1 1 0", "7.2.5/search-syntax"),
    ],
)
def test_a_response_that_the_grammar_refuses_is_blamed_once(line: str, syntax: str) -> None:
    found = on_response(View(State.SELECTED), read(GRAMMAR, line.encode() + b"\r\n"), Counter())
    assert [violation.requirement for violation in found] == [f"rfc3501/{syntax}"]


# ---- properties ---------------------------------------------------------------------------------------------------------


def shift(text: str) -> str:
    """All of a text in modified BASE64."""
    return "&" + base64.b64encode(text.encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"


def encode(text: str) -> str:
    """Modified UTF-7, written from section 5.1.3."""
    encoded, run = "", ""
    for character in [*text, ""]:
        itself = " " <= character <= "~"
        if run and (itself or not character):
            encoded += shift(run)
            run = ""
        if itself:
            encoded += "&-" if character == "&" else character
        else:
            run += character
    return encoded


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("&-,+/ é€𝄞")))
def test_every_name_in_modified_utf_7_is_right(text: str) -> None:
    line = name(quoted(encode(text)))
    assert outcome("5.1.3/modified-utf-7", line) is (HOLDS if "&" in encode(text) else None)
    assert outcome("5.1/names-7-bit", line) is HOLDS


@given(
    st.text(st.characters(exclude_categories=["Cs"], min_codepoint=0x80), min_size=1),
    st.characters(codec="ascii"),
)
def test_each_way_to_spoil_a_name_is_told(text: str, character: str) -> None:
    right = encode(text)
    assert outcome("5.1.3/modified-utf-7", name(right[:-1])) == "not-ended"
    assert outcome("5.1.3/modified-utf-7", name(right + encode("\u00e4"))) == "superfluous-shift"
    assert outcome("5.1.3/modified-utf-7", name(right[:-1] + "%-")) == "not-base64"
    if " " <= character <= "~" and character != "&":
        spoilt = shift(text + character)
        assert outcome("5.1.3/modified-utf-7", name(spoilt)) == "printable-encoded"


@given(st.datetimes(), st.integers(-5999, 5999))
def test_every_time_that_exists_is_right(moment: dt.datetime, zone: int) -> None:
    line = date(f"{moment.day:2}-{moment:%b}-{moment.year:04} {moment:%H:%M:%S} {zone:+05}")
    assert outcome("2.3.3/internal-date", line) is HOLDS
    assert outcome("9/zone-minutes", line) == (HOLDS if abs(zone) % 100 < 60 else "minutes")


@given(st.integers(0, 2**40))
def test_the_range_of_a_number_is_that_of_32_bits(value: int) -> None:
    fits = value < 2**32
    assert outcome("9/number-range", f"* {value} EXISTS") == (HOLDS if fits else "too-large-EXISTS")
    assert outcome("9/number-range", fetch(f"RFC822.SIZE {value}")) == (
        HOLDS if fits else "too-large-RFC822.SIZE"
    )


@given(st.lists(st.integers(1, 9)))
def test_a_list_says_each_word_once_or_warns(numbers: list[int]) -> None:
    line = " ".join(["* SEARCH", *map(str, numbers)])
    expected = None if not numbers else HOLDS if len({*numbers}) == len(numbers) else "repeated-in-SEARCH"
    assert outcome("7.2.5/number-once", line) == expected


@given(st.binary(max_size=40), st.integers(-2, 2))
def test_a_size_is_right_if_it_is_the_length_of_the_text(octets: bytes, more: int) -> None:
    text = octets.replace(b"\0", b"x").decode("latin-1")
    size = max(0, len(text) + more)
    expected = HOLDS if size == len(text) else "differs"
    whole = fetch(f"RFC822.SIZE {size} BODY[] {{{len(text)}}}\r\n{text}")
    part = fetch(f"BODY {PLAIN.replace('3)', f'{size})')} BODY[1] {{{len(text)}}}\r\n{text}")
    assert outcome("2.3.4/size-in-octets", whole) == expected
    assert outcome("7.4.2/body-size", part) == expected


def test_parts_are_numbered_as_section_6_4_5_says() -> None:
    """The example of section 6.4.5."""

    def part(size: int) -> str:
        return PLAIN.replace("3)", f"{size})")

    def message(size: int, body: str) -> str:
        return f'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" {size} {ENVELOPE} {body} 2)'

    inner = f'({part(31)}{part(32)} "MIXED")'
    image = f'({part(41)}{message(42, f"({part(421)}({part(4221)}{part(4222)} {chr(34)}A{chr(34)}) {chr(34)}M{chr(34)})")} "MIXED")'
    whole = f'({part(1)}{part(2)}{message(3, inner)}{image} "MIXED")'
    structure = template(GRAMMAR, fetch(f"BODY {whole}")).items[0]
    assert isinstance(structure, List)
    body = structure.values[1]
    assert isinstance(body, List)
    sizes = {section: fields[6] for section, fields in leaves(body.values).items()}
    assert sizes == {
        f"{section}": Number(size)
        for section, size in {
            "1": 1,
            "2": 2,
            "3": 3,
            "3.1": 31,
            "3.2": 32,
            "4.1": 41,
            "4.2": 42,
            "4.2.1": 421,
            "4.2.2.1": 4221,
            "4.2.2.2": 4222,
        }.items()
    }


def test_structures_of_any_depth_are_judged_in_bounded_time() -> None:
    levels = 1_000
    deep = "(" * levels + PLAIN + ' "M")' * levels
    within = TEXT
    for _ in range(200):
        within = MESSAGE.replace(TEXT, within)
    wide = "(" + PLAIN * 1_000 + ' "M")'
    begun = time.process_time()
    for structure in (deep, within, wide):
        line = fetch(f'BODY {structure} BODYSTRUCTURE {structure} BODY[1.1.1.1] "x"')
        response = read(GRAMMAR, line.encode() + b"\r\n")
        assert response.problem is None
        on_response(View(State.SELECTED), response, Counter())
    assert time.process_time() - begun < 10
