r"""The scenarios that we ship about FETCH: a right answer meets each of them, and one that is wrong in that way does not.

The miniature parses no mail. An answer is one line, written with `|` in place of CR LF; literals get their counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import plays
import pytest
from faults import on
from miniature import Miniature

from conformance.scenario.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from miniature import Command, Reply, Wrong

ADA = '(("Ada Lindqvist" NIL "ada" "harbour.example"))'
BRUNO = '(("Bruno Keller" NIL "bruno" "meadow.example"))'
CREW = '(NIL NIL "Crew" NIL)(NIL NIL "mate" "harbour.example")("Cook" NIL "cook" "harbour.example")(NIL NIL NIL NIL)'
SHORE = '(NIL NIL "Shore, all" NIL)("Bruno" NIL "bruno" "meadow.example")(NIL NIL NIL NIL)'
NOBODY = '((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))'
PLAIN = '("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 7 1)'


def envelope(
    subject: str = '"x"', others: str = f"{ADA} {ADA} {ADA} {BRUNO} NIL NIL NIL", last: str = '"<x@y>"'
) -> str:
    return f'ENVELOPE ("Mon, 3 Jun 2024 10:00:00 +0200" {subject} {others} {last})'


class Row(NamedTuple):
    """A scenario, the right answer to its (last) FETCH, and what in it becomes what in the answer of a wrong server."""

    case: str
    answer: str
    was: str
    becomes: str
    requirement: str
    status: str = "FAIL"


E, B, P, F = "7.4.2-envelope", "7.4.2-body-structure", "6.4.5-parts", "6.4.5-fetch"
REPLY = envelope(
    '"Re: Harbour inspection"',
    f'{BRUNO} {BRUNO} {BRUNO} {ADA} NIL NIL "<plain.1@harbour.example>"',
    '"<reply.1@harbour.example>"',
)
AUTHORS = '(("Ada Lindqvist" NIL "ada" "harbour.example")("Clara Okafor" NIL "clara" "orchard.example"))'
CLARA = '(("Clara Okafor" NIL "clara" "orchard.example"))'
TWO = envelope(others=f"{AUTHORS} {CLARA} {AUTHORS} {BRUNO} NIL NIL NIL")
EMPTY = envelope('"Nobody"', f"{ADA} {ADA} {ADA} NIL NIL NIL NIL")
GROUPS = envelope(
    others=f'{ADA} {ADA} {ADA} ({CREW}(NIL NIL "pilot" "harbour.example"){SHORE}) {NOBODY} NIL NIL'
)
LOCAL = envelope(
    others=f'(("Ada Lindqvist" NIL "ada of the harbour" "harbour.example")) {ADA} {ADA} ((NIL NIL "bruno.keller+boats" '
    f'"meadow.example")(NIL NIL "a\\"b" "meadow.example")(NIL NIL "clara" "[192.0.2.1]")) NIL NIL NIL'
)
NILS = (
    'ENVELOPE ("x" "NIL" (("NIL" NIL "NIL" "NIL.example")) NIL NIL (("NIL" NIL "nil" "nil.example")) NIL NIL "<NIL@NIL>" '
    '"<nil@nil>") BODYSTRUCTURE ("TEXT" "PLAIN" ("NAME" "NIL") "<NIL>" "NIL" "7BIT" 5 1)'
)
ELSEWHERE = (
    'BODY (("MESSAGE" "EXTERNAL-BODY" ("ACCESS-TYPE" "LOCAL-FILE" "NAME" "/boats/list") NIL NIL "7BIT" 9)'
    '("MESSAGE" "PARTIAL" ("NUMBER" "2" "TOTAL" "3" "ID" "pieces@harbour.example") NIL NIL "7BIT" 9) "MIXED")'
)
ALTERNATIVE = (
    f'BODY ({PLAIN}{PLAIN.replace("PLAIN", "HTML")} "ALTERNATIVE") '
    f'BODYSTRUCTURE ({PLAIN}{PLAIN.replace("PLAIN", "HTML")} "ALTERNATIVE" ("BOUNDARY" "x"))'
)
DIGITS = (
    'BODY (("APPLICATION" "OCTET-STREAM" ("NAME" "4711") "<815>" "42" "7BIT" 3) "MIXED") BODYSTRUCTURE (("APPLICATION" '
    '"OCTET-STREAM" ("NAME" "4711") "<815>" "42" "7BIT" 3 NIL ("ATTACHMENT" ("FILENAME" "20240603")) NIL NIL) "MIXED")'
)
PREAMBLE = f'BODY ({PLAIN} "MIXED") BODY[1]<0> "within"'
DEFAULTS = (
    'BODY (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1)("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1) "X-OWN-KIND") '
    'BODY[1]<0> "no header at all" BODY[2]<0> "still a text"'
)
QUOTED = 'BODY (("TEXT" "PLAIN" NIL "<x>" "a \\"chart\\" of C:\\\\bay" "7BIT" 3 1) "MIXED")'
BLANKS = 'BODY ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 23 5) BODY[1] {||in the middle|||}'
ZERO = (
    "BODY[]<0> {Date: Wed, 15 May 2024 18:05:00 +0200|From: Clara Okafor <clara@orchard.example>|To: Dmitri Sato "
    "<dmitri@summit.example>|Subject: Apples|Message-ID: <other.1@orchard.example>|MIME-Version: 1.0|Content-Type: "
    "text/plain; charset=us-ascii||The first crates left this morning.|} BODY[1]<0> {The first crates left this morning.|}"
)
PARTS = 'BODY[2]<0> "part 2" BODY[9]<0> "part 9" BODY[10]<0> "part 10" BODY[11]<0> "part 11" BODY[12]<0> "part 12"'

ROWS = (
    Row(f"{E}/of-an-answer", REPLY, '"<plain.1@harbour.example>"', '"<question.7@meadow.example>"', "7.4.2/envelope-in-reply-to"),
    Row(f"{E}/of-an-answer", REPLY, '"<reply.1@harbour.example>"', "NIL", "7.4.2/envelope-message-id"),
    Row(f"{E}/of-an-answer", REPLY, '"Re: ', '"', "7.4.2/envelope-subject"),
    Row(f"{E}/two-authors", TWO, f"{CLARA} {AUTHORS}", f"{CLARA} {CLARA}", "7.4.2/envelope-defaults"),
    Row(f"{E}/two-authors", TWO, f" {CLARA} ", f" {AUTHORS} ", "7.4.2/envelope-sender"),
    Row(f"{E}/empty-address-fields", EMPTY, f"{ADA} {ADA} {ADA}", f"{ADA} NIL {ADA}", "7.4.2/envelope-empty-defaults"),
    Row(f"{E}/empty-address-fields", EMPTY, "NIL NIL NIL NIL", NOBODY + " NIL NIL NIL", "7.4.2/envelope-empty-addresses"),
    Row(f"{E}/groups-among-addresses", GROUPS, '(NIL NIL "Shore, all" NIL)', "", "7.4.2/envelope-group"),
    Row(f"{E}/groups-among-addresses", GROUPS, NOBODY, "NIL", "7.4.2/envelope-empty-group"),
    Row(f"{E}/local-parts", LOCAL, '"ada of the harbour"', '"\\"ada of the harbour\\""', "7.4.2/envelope-mailbox-unquoted"),
    Row(f"{E}/local-parts", LOCAL, '"[192.0.2.1]"', '"192.0.2.1"', "7.4.2/envelope-host"),
    Row(f"{E}/nil-is-a-word", NILS, '"x" "NIL" ', '"x" NIL ', "7.4.2/nil-word-is-text"),
    Row(f"{E}/nil-is-a-word", NILS, '"<NIL>" "NIL"', '"<NIL>" NIL', "7.4.2/nil-word-is-text"),
    Row(f"{E}/folded-subject", envelope('"Tides and winds"'), '"Tides and winds"', "{Tides| and winds}", "7.4.2/envelope-unfolded", "WARN"),
    Row(f"{B}/messages-elsewhere", ELSEWHERE, '"7BIT" 9)(', '"7BIT" 9 1)(', "7.4.2/other-types-basic"),
    Row(f"{B}/alternative", ALTERNATIVE, '"HTML" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 7 1) "ALTERNATIVE") ', '"PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 7 1) "ALTERNATIVE") ', "7.4.2/body-subtype"),
    Row(f"{B}/alternative", ALTERNATIVE, '"ALTERNATIVE" (', '"MIXED" (', "7.4.2/body-multipart"),
    Row(f"{B}/names-of-digits", DIGITS, '"<815>" "42" "7BIT" 3) ', '"<815>" NIL "7BIT" 3) ', "7.4.2/digits-are-strings"),
    Row(f"{B}/names-of-digits", DIGITS, '("FILENAME" "20240603")', "NIL", "7.4.2/disposition-form"),
    Row(f"{B}/preamble-is-no-part", PREAMBLE, f"({PLAIN} ", f"({PLAIN}{PLAIN} ", "7.4.2/preamble-is-no-part"),
    Row(f"{B}/parts-without-type", DEFAULTS, '("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1) ', '("APPLICATION" "OCTET-STREAM" NIL NIL NIL "7BIT" 3) ', "7.4.2/part-defaults"),
    Row(f"{B}/quotes-in-descriptions", QUOTED, ' of C:\\\\bay"', '"', "7.4.2/body-description"),
    Row(f"{B}/text-with-blank-lines", BLANKS, "23 5", "23 6", "7.4.2/body-lines"),
    Row(f"{F}/partial-from-zero", ZERO, "BODY[]<0>", "BODY[]", "6.4.5/partial-from-zero"),
    Row(f"{P}/part-ten", PARTS, '"part 10"', '"part 1"', "6.4.5/parts-in-order"),
)  # fmt: skip


def wire(answer: str) -> bytes:
    """The response, its literals with their counts."""

    def literal(found: re.Match[str]) -> str:
        text = found[1].replace("|", "\r\n")
        return f"{{{len(text)}}}\r\n{text}"

    return f"* 1 FETCH ({re.sub(r'[{]([^}]+)[}]', literal, answer)})\r\n".encode("latin-1")


def saying(answer: str) -> Wrong:
    """Every FETCH is answered so, whatever it asks for."""

    def reply(command: Command, _: list[bytes]) -> list[Reply]:
        return [wire(answer), command.completed("OK done")]

    return on("FETCH", reply)


def verdicts(case: str, answer: str, report_dir: Path) -> dict[str, str]:
    """What a server with this answer gets for the scenario."""
    with Miniature() as server:
        scenario = load(f"rfc3501/{case}")
        journal = plays.run(
            plays.address(server), [scenario], report_dir, around=lambda: server.being(saying(answer))
        )
    return {r.requirement.removeprefix("rfc3501/"): r.status for r in journal.results if not r.always_on}


@pytest.mark.parametrize(("case", "answer"), dict.fromkeys((row.case, row.answer) for row in ROWS))
def test_a_right_answer_meets_it(case: str, answer: str, tmp_path: Path) -> None:
    assert set(verdicts(case, answer, tmp_path).values()) <= {"PASS", "INFO"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.case}, {row.becomes}"[:60])
def test_an_answer_that_is_wrong_there_does_not(row: Row, tmp_path: Path) -> None:
    assert row.was in row.answer
    wrong = row.answer.replace(row.was, row.becomes)
    assert verdicts(row.case, wrong, tmp_path)[row.requirement] == row.status
