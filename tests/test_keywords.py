"""Every capitalised key word of RFC 3501 has found its requirement, or a reason why it has none."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from conformance import catalogue
from conformance.catalogue import keywords
from conformance.catalogue.keywords import KeyWord
from conformance.checks import DOUBTFUL_SYNTAX, END_CHECKS, RESPONSE_CHECKS, SYNTAX
from conformance.cli.common import all_files, proofs
from conformance.cli.coverage import chosen, coverage, requirements

ALWAYS_ON = {*SYNTAX.values(), *DOUBTFUL_SYNTAX, *RESPONSE_CHECKS, *END_CHECKS}

#: Section -> how many key words it has: counted once, by hand and by `in_text`.
COUNTS = {
    "2.2.1": 2, "2.2.2": 7, "2.3.1.1": 10, "2.3.1.2": 1, "2.3.2": 2, "2.3.3": 3, "3.1": 1, "3.2": 1, "3.4": 6,
    "4.3": 2, "4.3.1": 4, "5.1": 6, "5.1.1": 1, "5.1.2": 1, "5.1.3": 8, "5.2": 6, "5.3": 2, "5.4": 2, "5.5": 6,
    "6.1.1": 3, "6.1.3": 2, "6.2": 1, "6.2.1": 4, "6.2.2": 13, "6.2.3": 5, "6.3.1": 7, "6.3.2": 4, "6.3.3": 4,
    "6.3.4": 3, "6.3.5": 4, "6.3.6": 2, "6.3.8": 9, "6.3.9": 3, "6.3.10": 4, "6.3.11": 15, "6.4.1": 2, "6.4.2": 1,
    "6.4.4": 10, "6.4.5": 5, "6.4.6": 2, "6.4.7": 6, "6.4.8": 1, "6.5.1": 3, "7": 5, "7.1": 5, "7.1.1": 3,
    "7.1.2": 1, "7.1.3": 1, "7.1.4": 1, "7.1.5": 3, "7.2.1": 9, "7.2.2": 4, "7.2.6": 1, "7.3.1": 1, "7.3.2": 1,
    "7.4.1": 3, "7.4.2": 11, "9": 20, "11.1": 10, "11.2": 4,
}  # fmt: skip


def in_text(text: str) -> list[tuple[str, int, str]]:
    """Section, ordinal and word of every key word of sections 2 to 12, read from the text of an RFC."""
    furniture = re.compile(r"\f|.*\[Page \d+\]|RFC \d+ .* \d{4}")
    lines = [line for line in text.replace("\r", "").split("\n") if not furniture.fullmatch(line.rstrip())]
    # At the margin; so are the rules of the formal syntax, which therefore end no section.
    heading = re.compile(r"(\d+(?:\.\d+)*)\.?\s+\S|Appendi")
    bodies: dict[str, list[str]] = {}
    section = ""
    for line in lines:
        if found := heading.match(line):
            section = found[1] or ""
        bodies.setdefault(section, []).append(line)
    word = re.compile(r"\b(MUST|SHOULD|MAY|REQUIRED|OPTIONAL|SHALL|RECOMMENDED)\b(?:\s+(NOT)\b)?")
    return [
        (section, ordinal, " ".join(part for part in found.groups() if part))
        for section, body in bodies.items()
        if section.partition(".")[0] in map(str, range(2, 13))
        for ordinal, found in enumerate(word.finditer("\n".join(body)), 1)
    ]


def test_every_key_word_is_in_the_table_by_the_count_of_its_section() -> None:
    places = [(entry.section, entry.ordinal) for entry in keywords.load()]
    assert places == [(section, n) for section, count in COUNTS.items() for n in range(1, count + 1)]
    assert len(places) == 267


def test_the_table_names_requirements_of_the_catalogue() -> None:
    named = {name for entry in keywords.load() for name in entry.by}
    assert named <= catalogue.load().keys()


def test_a_requirement_has_the_level_of_its_key_word_or_there_is_a_reason() -> None:
    known = catalogue.load()
    for entry in keywords.load():
        agrees = all(known[name].level == entry.level for name in entry.by)
        assert agrees != bool(entry.differs), f"{entry.section} {entry.ordinal} {entry.word}: {entry.about}"


def test_what_a_key_word_is_attached_to_is_said_in_our_words() -> None:
    for entry in keywords.load():
        assert 0 < len(entry.about.split()) <= 12, f"{entry.section} {entry.ordinal}"


def test_key_words_are_found_across_lines_and_pages() -> None:
    page = (
        "2.1.    Link\n\n   A server MUST\n\n\n\nAuthor         Standards Track         [Page 1]\n\f\n"
        "RFC 3501        IMAPv4        March 2003\n\n\n   NOT do it, and MAY\n   not.  It should.\n\n"
        "2.2.    More\n\n   OPTIONAL.\n\nAppendices\n\n   MUST\n"
    )
    assert in_text(page) == [("2.1", 1, "MUST NOT"), ("2.1", 2, "MAY"), ("2.2", 1, "OPTIONAL")]


def test_coverage_counts_by_section_and_level_and_gives_the_reasons() -> None:
    words = (
        KeyWord("3.4", 1, "MUST", "a", by=("x", "y")),
        KeyWord("3.4", 2, "MAY", "b", client=True),
        KeyWord("3.4", 3, "MUST NOT", "c", by=("x", "z")),
        KeyWord("5", 1, "MUST", "d", untestable="Too long."),
    )
    lines = [line.split() for line in coverage(words, cases={"x"}, always_on={"y"})]
    assert lines[1:] == [
        ["3.4", "MUST", "2", "2", "2", "1", "1", "-", "-"],
        ["3.4", "MAY", "1", "-", "-", "-", "-", "1", "-"],
        ["5", "MUST", "1", "-", "-", "-", "-", "-", "1"],
        ["total", "MUST", "3", "2", "2", "1", "1", "-", "1"],
        ["total", "MAY", "1", "-", "-", "-", "-", "1", "-"],
        [],
        ["untestable:", "Too", "long."],
        ["5", "MUST:", "d"],
    ]


def test_requirements_that_cannot_be_asked_leave_a_key_word_proven_or_give_it_their_reason() -> None:
    words = (KeyWord("3.4", 1, "MUST", "a", by=("x", "y")), KeyWord("3.4", 2, "MUST", "b", by=("y",)))
    lines = [line.split() for line in coverage(words, cases={"x"}, always_on=(), reasons={"y": "Too far."})]
    assert lines[1] == ["3.4", "MUST", "2", "1", "1", "-", "-", "-", "1"]
    assert lines[-2:] == [["untestable:", "Too", "far."], ["3.4", "MUST:", "b"]]


def test_every_key_word_that_is_asked_is_proven() -> None:
    proven = {*proofs(all_files()), *ALWAYS_ON}
    reasons = {name for name, entry in catalogue.load().items() if entry.untestable}
    assert [name for entry in keywords.load() for name in entry.by if name not in proven | reasons] == []


def test_requirements_are_counted_by_level() -> None:
    known = [
        catalogue.Requirement("rfc0000/1/a", "MUST", "a"),
        catalogue.Requirement("rfc0000/1/b", "MUST", "b", untestable="Too far."),
        catalogue.Requirement("rfc0000/1/c", "MAY", "c"),
    ]
    lines = [line.split() for line in requirements(known, cases={"rfc0000/1/a"}, always_on={"rfc0000/1/c"})]
    assert lines[1:] == [
        ["MUST", "2", "1", "0", "1"], ["SHOULD", "0", "0", "0", "0"], ["MAY", "1", "0", "1", "0"], ["total", "3", "1", "1", "1"],
    ]  # fmt: skip


def test_coverage_is_asked_for_by_section_and_level() -> None:
    assert {word.section for word in chosen(["rfc3501/6.3.1", "rfc3501/4"], None)} == {
        "6.3.1",
        "4.3",
        "4.3.1",
    }
    assert {word.word for word in chosen([], "may")} == {"MAY", "OPTIONAL"}
    assert len(chosen(["rfc3501"], None)) == 267


@pytest.mark.skipif("IMAPSPEC_RFC_DIR" not in os.environ, reason="IMAPSPEC_RFC_DIR names no folder with RFCs")
def test_the_table_is_that_of_the_text() -> None:
    text = (Path(os.environ["IMAPSPEC_RFC_DIR"]) / "rfc3501.txt").read_text(encoding="latin-1")
    found = in_text(text)
    assert found == [(entry.section, entry.ordinal, entry.word) for entry in keywords.load()]
    assert Counter(section for section, _, _ in found) == COUNTS
