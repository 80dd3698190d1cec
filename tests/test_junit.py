"""`junit.xml`: strict XML, the structure that CI services read, and outcomes that mean what they mean elsewhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from defusedxml import ElementTree
from journals import REQUIREMENTS, builder, many, sample

from conformance import catalogue
from conformance.journal import Result
from conformance.report import fold, junit

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from conformance.journal import Journal, Status

#: Element -> its attributes (required, optional) and its children in the order in which the schemas of Ant, Maven and Jenkins allow them.
SCHEMA: dict[str, tuple[set[str], set[str], tuple[str, ...]]] = {
    "testsuites": ({"name", "tests", "failures", "errors", "skipped", "time"}, set(), ("testsuite",)),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        set(),
        ("properties", "testcase"),
    ),
    "properties": (set(), set(), ("property",)),
    "property": ({"name", "value"}, set(), ()),
    "testcase": (
        {"classname", "name", "time"},
        set(),
        ("properties", "skipped", "error", "failure", "system-out", "system-err"),
    ),
    "skipped": ({"type", "message"}, set(), ()),
    "error": ({"type", "message"}, set(), ()),
    "failure": ({"type", "message"}, set(), ()),
    "system-out": (set(), set(), ()),
}
OUTCOMES = ("skipped", "error", "failure")


@pytest.fixture(autouse=True)
def known_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "load", lambda: REQUIREMENTS)


def document(journal: Journal) -> Element:
    text = junit.render(fold.fold(journal))
    # XML 1.0, production Char; the parser is strict about the rest.
    assert re.fullmatch(r"[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*", text)
    root: Element = ElementTree.fromstring(text.encode(), forbid_dtd=True)
    check(root)
    return root


def check(element: Element) -> None:
    required, optional, children = SCHEMA[element.tag]
    assert required <= set(element.attrib) <= required | optional, element.tag
    order = [children.index(child.tag) for child in element]
    assert order == sorted(order), f"children of {element.tag} out of order"
    assert sum(child.tag in OUTCOMES for child in element) <= 1
    for child in element:
        check(child)


def cases(root: Element) -> dict[str, Element]:
    return {case.get("name", ""): case for case in root.iter("testcase")}


def outcome(case: Element) -> tuple[str, str, str]:
    found = [child for child in case if child.tag in OUTCOMES]
    return (found[0].tag, found[0].get("type", ""), found[0].get("message", "")) if found else ("", "", "")


@pytest.mark.parametrize(
    "journal", [sample(), many(30, "FAIL"), builder().finish(5, "nothing")], ids=["all", "long", "none"]
)
def test_the_document_has_the_common_structure(journal: Journal) -> None:
    document(journal)


def test_counts_agree_with_the_elements() -> None:
    root = document(sample())
    for holder in (root, *root.iter("testsuite")):
        assert int(holder.get("tests", "")) == len(list(holder.iter("testcase")))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(holder.get(attribute, "")) == len(list(holder.iter(tag)))
        times = [float(case.get("time", "")) for case in holder.iter("testcase")]
        assert float(holder.get("time", "")) == pytest.approx(sum(times), abs=0.001 * (len(times) + 1))
    assert len(list(root.iter("testcase"))) == len(sample().results)


def test_suites_are_sections_and_every_case_has_class_and_unique_name() -> None:
    root = document(sample())
    names = [suite.get("name") for suite in root]
    assert "imapspec.rfc3501.6_3_11" in names
    assert len(names) == len(set(names))
    keys = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(keys) == len(set(keys))
    assert all(classname and name for classname, name in keys)
    for suite in root:
        assert {case.get("classname") for case in suite.iter("testcase")} == {suite.get("name")}
    assert {suite.get("timestamp") for suite in root} == {"2026-11-24T17:21:06"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rfc3501/2.3.1.1-uid/ascending", ("", "", "")),
        ("rfc2180/3.1-delete/delete-in-use", ("", "", "")),
        ("rfc3501/6.3.11-append/trycreate", ("", "", "")),
        (
            "rfc3501/7.4.1-expunge/no-expunge-during-fetch",
            ("failure", "fail", "An EXPUNGE response came while FETCH was in progress."),
        ),
        (
            "rfc3501/6.3.1-select/failed-select-deselects",
            ("failure", "fail", "expected NO | BAD, got a5 OK done"),
        ),
        ("rfc3501/6.3.11-append/large-literal", ("failure", "crash", "The server died.")),
        ("rfc2177/3-idle/idle-exists", ("failure", "flaky", "expected * 1 EXISTS, got nothing")),
        ("rfc3501/6.3.3-create/trailing-delimiter", ("failure", "expired", "expected OK, got a4 BAD what?")),
        (
            "rfc3501/6.3.9-lsub/lsub-percent",
            (
                "failure",
                "unexpected-pass",
                "expected FAIL since 2026-08-02 (no parent): delete lines 31-36 of expected.toml",
            ),
        ),
        (
            "rfc3501/6.4.4-search/date-disregards-zone",
            ("skipped", "expected-failure", "the index is rebuilt first (https://example.org/bugs/812)"),
        ),
        ("rfc3501/6.4.5-fetch/partial", ("skipped", "expected-failure", "TODO")),
        ("rfc3501/6.4.6-store/silent", ("skipped", "expected-failure", "by design: our clients rely on it")),
        ("rfc3501/6.2.1-starttls/plaintext", ("skipped", "no-capability:STARTTLS", "no-capability:STARTTLS")),
        ("rfc3501/6.3.1-select/uidnext", ("skipped", "setup:created", "CREATE was refused")),
        ("rfc3501/6.3.1-select/uidnext-later", ("error", "error", "KeyError: 'x'")),
        (
            "rfc3501/9/response-syntax rfc3501/9/response-syntax:uniqueid",
            ("failure", "fail", "The response breaks the formal syntax."),
        ),
    ],
)
def test_each_status_has_its_outcome(name: str, expected: tuple[str, str, str]) -> None:
    assert outcome(cases(document(sample()))[name]) == expected


def test_a_timeout_is_a_failure() -> None:
    journal = builder().case("c", "rfc3501/6.3.1/uidnext", "TIMEOUT", "A C: x", gate="new").finish(1, "x")
    assert outcome(cases(document(journal))["c"])[:2] == ("failure", "timeout")


def test_a_warning_passes_and_says_so_in_a_property() -> None:
    case = cases(document(sample()))["rfc3501/6.3.11-append/trycreate"]
    properties = {found.get("name"): found.get("value") for found in case.iter("property")}
    assert properties["warning"] == "a4 NO no such mailbox"
    assert properties["level"] == "SHOULD"
    assert (
        properties["again"]
        == "imapspec run imap://127.0.0.1:1143 -u 'alice:********' rfc3501/6.3.11-append/trycreate"
    )


def test_the_body_is_the_block() -> None:
    failure = cases(document(sample()))["rfc3501/7.4.1-expunge/no-expunge-during-fetch"].find("failure")
    assert failure is not None
    assert "   >  11 A S: * 2 EXPUNGE\n" in (failure.text or "")


def test_what_xml_cannot_carry_is_shown() -> None:
    nasty = "\x00\x1b\x0b\ufffe\ud800]]><!--&"
    journal = (
        builder()
        .case("c", "rfc3501/6.3.1/uidnext", "FAIL", gate="new", actual=nasty, message=nasty)
        .finish(1, "x")
    )
    case = cases(document(journal))["c"]
    assert outcome(case)[2] == r"\0\x1b\x0b\ufffe\ud800]]><!--&"
    assert r"\0\x1b\x0b\ufffe\ud800]]><!--&" in "".join(case.itertext())


def test_names_do_not_depend_on_the_outcome_and_tell_requirements_of_a_case_apart() -> None:
    names = []
    statuses: tuple[Status, ...] = ("PASS", "FAIL")
    for status in statuses:
        run = builder()
        for requirement in ("rfc3501/6.3.1/uidnext", "rfc3501/2.3.1.1/uid-ascending"):
            run.result(Result("c", requirement, "MUST", status))
        names.append(sorted(cases(document(run.finish(0, "x")))))
    assert names[0] == names[1] == ["c", "c [rfc3501/2.3.1.1/uid-ascending]"]


def test_a_case_that_proves_two_requirements_took_its_time_once() -> None:
    run = builder().case("c", "rfc3501/6.3.1/uidnext", "PASS", "A C: x")
    run.result(Result("c", "rfc3501/2.3.1.1/uid-ascending", "MUST", "PASS"))
    assert float(document(run.finish(0, "x")).get("time", "")) == pytest.approx(0.007)
