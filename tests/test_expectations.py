"""The expectation file: what it refuses, what it makes of results, which exit code follows."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from conformance import expectations
from conformance.errors import UsageError
from conformance.journal import Gate, GateState, Result, Status

CASE, OTHER, THIRD = (
    "rfc3501/6.3.1-select/deselects",
    "rfc3501/6.3.1-select/uidnext",
    "rfc3501/6.4.5-fetch/partial",
)
NEED, NEED2 = "rfc3501/6.3.1/failed-select-deselects", "rfc3501/6.3.1/uidnext"
SYNTAX = "rfc3501/9/response-syntax"
CASES, NEEDS = (CASE, OTHER, THIRD), (NEED, NEED2, SYNTAX)
TODAY = dt.date(2026, 11, 24)


def parse(*entries: str) -> expectations.Expectations:
    """A file with these entries; `id` and `reason` are added where they are not written."""
    text = "format = 1\n"
    for entry in entries:
        keys = {line.split("=")[0].strip() for line in entry.splitlines()}
        text += "[[expect]]\n" + entry + "\n"
        text += "".join(
            f'{key} = "{value}"\n' for key, value in (("id", CASE), ("reason", "why")) if key not in keys
        )
    return expectations.parse(text, "expected.toml", CASES, NEEDS)


def result(status: Status, case: str = CASE, requirement: str = NEED, **fields: Any) -> Result:
    return Result(case, requirement, "SHOULD" if status == "WARN" else "MUST", status, **fields)


def states(results: list[Result], *entries: str, strict: bool = False) -> list[GateState]:
    return [gate.state for gate in expectations.gate(results, parse(*entries), TODAY, strict=strict)]


# --- the file ---


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "format = 1"),
        ("format = 2", "it says 2"),
        ("format = 1\nprofile = 1", "unknown key 'profile'"),
        ("format = 1\nexpects = []", "did you mean expect?"),
        ("format = 1\nexpect = 3", "[[expect]]"),
        ("format = ", "not valid TOML"),
    ],
)
def test_a_file_of_another_form_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        expectations.parse(text, "expected.toml", CASES, NEEDS)
    assert str(caught.value).startswith("expected.toml: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('reason = ""', "reason is missing; say why"),
        ('id = ""', "id is missing"),
        ('id = "rfc3501/6.3.1-select/deselect"', f"no case or requirement has this id; did you mean {CASE}?"),
        ('resaon = "x"', "unknown key 'resaon'; did you mean reason?"),
        ('status = "fail"', "unknown status 'fail'; one of PASS, FAIL"),
        ('status = "FLAKY"', "unknown status 'FLAKY'"),
        ('status = "PASS"', "what passes needs no entry"),
        ("status = []", "what passes needs no entry"),
        ("status = 3", "status must be a status or a list of them"),
        ('since = "2026-01-01"', "since must be a date"),
        ("expires = 2026-01-01T00:00:00Z", "expires must be a date"),
        ("run = 0", "run must be true or false"),
        ("max = true", "max must be a whole number"),
        ("max = 3", "max goes with a pattern"),
        (f'case = "{OTHER}"', "id is a case already; narrow it with requirement"),
        (f'id = "{NEED}"\nrequirement = "{NEED2}"', "id is a requirement already; narrow it with case"),
        (
            'requirement = "rfc3501/6.3.1/uidnex"',
            f"unknown requirement 'rfc3501/6.3.1/uidnex'; did you mean {NEED2}?",
        ),
        (f'id = "{NEED}"\nrun = false', "run = false concerns a whole case"),
        (f'requirement = "{NEED}"\nrun = false', "run = false concerns a whole case"),
        ('id = "rfc3501/6.3.1*"', "a pattern needs max = N"),
        ('id = "rfc3501/**"\nmax = 9', "a whole RFC cannot be excused"),
        ('id = "*"\nmax = 9', "a whole RFC cannot be excused"),
        ('id = "rfc3501/7*"\nmax = 9', "no case or requirement matches"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_with_file_entry_and_remedy(
    entry: str, complaint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f'id = "{OTHER}"', entry)
    assert str(caught.value).startswith("expected.toml:5: entry 2")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ('signature = "a"', 'signature = "a"'),
        ("", f'requirement = "{NEED}"'),
        ("", 'signature = "a"'),
        (f'id = "{NEED}"', f'id = "{NEED}"\ncase = "{CASE}"'),
        (f'requirement = "{NEED}"', f'id = "{NEED}"\ncase = "{CASE}"'),
        ('id = "rfc3501/6.3.1*"\nmax = 2', 'id = "rfc3501/6.3.1*"\nmax = 3'),
    ],
)
def test_entries_that_speak_of_the_same_are_refused_in_either_order(first: str, second: str) -> None:
    for entries in ((first, second), (second, first)):
        with pytest.raises(UsageError, match="entry"):
            parse(*entries)


def test_entries_for_different_signatures_of_one_subject_live_side_by_side() -> None:
    assert len(parse(f'id = "{SYNTAX}"\nsignature = "a"', f'id = "{SYNTAX}"\nsignature = "b"').entries) == 2


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        expectations.read(tmp_path / "nowhere.toml", CASES, NEEDS)


def test_a_file_is_read_with_the_lines_of_its_entries(tmp_path: Path) -> None:
    path = tmp_path / "expected.toml"
    path.write_text(
        f'format = 1\n\n[[expect]]\nid = "{CASE}"\nreason = "why"\nsince = 2026-11-02\n\n# next\n'
        f'[[expect]]\nid = "{NEED2}"\nreason = "why"\n'
    )
    first, second = expectations.read(path, CASES, NEEDS).entries
    assert (first.lines, second.lines) == ((3, 6), (9, 11))
    assert first.since == dt.date(2026, 11, 2)
    assert (first.case, first.requirement, second.case, second.requirement) == (CASE, "", "", NEED2)


def test_lines_are_left_unknown_where_they_cannot_be_told() -> None:
    text = f'format = 1\nexpect = [{{ id = "{CASE}", reason = "why" }}]'
    file = expectations.parse(text, "expected.toml", CASES, NEEDS)
    gates = expectations.gate([result("PASS")], file, TODAY)
    assert gates[0].reason.endswith("delete entry 1 of expected.toml")


# --- the truth table ---

SAME, CHANGED = 'signature = "s"', 'signature = "other"'
FLAKY = 'status = ["PASS", "FAIL"]'
WARNS = 'status = "WARN"'
OLD = "expires = 2026-11-23"
TABLE: list[tuple[Status, str | None, list[GateState]]] = [
    ("PASS", None, []),
    ("PASS", "", ["unexpected-pass"]),
    ("PASS", SAME, ["unexpected-pass"]),
    ("PASS", CHANGED, ["unexpected-pass"]),
    ("PASS", WARNS, ["unexpected-pass"]),
    ("PASS", FLAKY, ["tolerated"]),
    ("PASS", OLD, []),
    ("INFO", None, []),
    ("INFO", "", ["unexpected-pass"]),
    ("FAIL", None, ["new"]),
    ("FAIL", "", ["known"]),
    ("FAIL", SAME, ["known"]),
    ("FAIL", CHANGED, ["changed"]),
    ("FAIL", WARNS, ["changed"]),
    ("FAIL", FLAKY, ["tolerated"]),
    ("FAIL", OLD, ["expired"]),
    ("FAIL", "expires = 2026-11-24", ["known"]),
    ("CRASH", None, ["new"]),
    ("CRASH", "", ["changed"]),
    ("CRASH", 'status = "CRASH"', ["known"]),
    ("CRASH", 'status = ["FAIL", "CRASH"]', ["known"]),
    ("CRASH", FLAKY, ["changed"]),
    ("CRASH", OLD, ["expired"]),
    ("TIMEOUT", None, ["new"]),
    ("TIMEOUT", 'status = "TIMEOUT"', ["known"]),
    ("WARN", None, []),
    ("WARN", "", ["unexpected-pass"]),
    ("WARN", WARNS, ["known"]),
    ("WARN", f"{WARNS}\n{CHANGED}", []),
    ("WARN", FLAKY, ["tolerated"]),
    ("WARN", OLD, []),
    ("FLAKY", None, ["new"]),
    ("FLAKY", "", ["changed"]),
    ("FLAKY", FLAKY, ["tolerated"]),
    ("SKIP", None, []),
    ("SKIP", "", ["unobserved"]),
    ("SKIP", FLAKY, ["unobserved"]),
    ("SKIP", "run = false", ["not-run"]),
    ("SKIP", f"run = false\n{OLD}", ["unobserved"]),
    ("BLOCKED", None, []),
    ("BLOCKED", "", ["unobserved"]),
    ("ERROR", None, []),
    ("ERROR", "", ["unobserved"]),
]


@pytest.mark.parametrize(("status", "entry", "expected"), TABLE)
def test_the_truth_table(status: Status, entry: str | None, expected: list[GateState]) -> None:
    assert states([result(status, signature="s")], *([] if entry is None else [entry])) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (None, ["new"]),
        ("", ["unexpected-pass"]),
        (WARNS, ["known"]),
        (f"{WARNS}\n{CHANGED}", ["changed"]),
        (FLAKY, ["tolerated"]),
        (OLD, ["expired"]),
        (f"{WARNS}\n{OLD}", ["expired"]),
    ],
)
def test_strict_gates_warnings_too(entry: str | None, expected: list[GateState]) -> None:
    assert (
        states([result("WARN", signature="s")], *([] if entry is None else [entry]), strict=True) == expected
    )


def test_an_entry_that_was_not_selected_is_unobserved() -> None:
    (gate,) = expectations.gate([], parse(f'id = "{CASE}"\nrequirement = "{NEED}"'), TODAY)
    assert gate == Gate(CASE, NEED, "unobserved", "why")


def test_a_requirement_passes_unexpectedly_only_when_all_its_observed_results_pass() -> None:
    entry = f'id = "{NEED}"'
    assert states([result("FAIL"), result("PASS", OTHER), result("PASS", THIRD)], entry) == ["known"]
    assert states([result("PASS"), result("PASS", OTHER), result("SKIP", THIRD)], entry) == [
        "unexpected-pass"
    ]


def test_an_unexpected_pass_names_the_lines_to_delete() -> None:
    (gate,) = expectations.gate(
        [result("PASS")], parse("since = 2026-08-02\nissue = 'https://example.org/1'"), TODAY
    )
    assert gate.reason == "expected FAIL since 2026-08-02 (why): delete lines 2-6 of expected.toml"
    assert gate.issue == "https://example.org/1"


def test_an_entry_for_a_case_covers_what_the_case_proves_and_nothing_else() -> None:
    results = [result("FAIL"), result("FAIL", requirement=NEED2), result("FAIL", OTHER)]
    assert states(results, "") == ["known", "known", "new"]
    assert states(results, f'requirement = "{NEED}"') == ["known", "new", "new"]


def test_the_most_specific_entry_decides() -> None:
    wide = 'id = "rfc3501/6.3.1*"\nmax = 9\nreason = "wide"'
    gates = expectations.gate(
        [result("FAIL"), result("FAIL", OTHER)], parse(wide, f'id = "{NEED}"', ""), TODAY
    )
    assert [gate.reason for gate in gates[:2]] == ["why", "why"]
    gates = expectations.gate([result("FAIL", OTHER, NEED2)], parse(wide, ""), TODAY)
    assert gates[0].reason == "wide"


def test_a_pattern_excuses_no_more_cases_than_it_may() -> None:
    entry = 'id = "rfc3501/6.3.1-*"\nmax = 1'
    results = [
        result("FAIL"),
        result("FAIL", requirement=NEED2),
        result("FAIL", OTHER),
        result("FAIL", THIRD),
    ]
    assert states(results, entry) == ["known", "known", "new", "new"]


def test_findings_of_one_always_on_check_are_known_by_signature() -> None:
    def finding(signature: str, *places: str) -> Result:
        return result(
            "FAIL", CASE, SYNTAX, always_on=True, signature=signature, places=places or (CASE, OTHER)
        )

    assert states([finding("a"), finding("b")], f'id = "{SYNTAX}"\nsignature = "a"') == ["known", "new"]
    assert states([finding("a"), finding("b")], f'id = "{SYNTAX}"') == ["known", "known"]
    narrowed = f'id = "{SYNTAX}"\ncase = "{CASE}"'
    assert states([finding("a", CASE)], narrowed) == ["known"]
    assert states([finding("a", CASE, OTHER)], narrowed) == ["new", "unobserved"]
    gates = expectations.gate([finding("a"), finding("b")], parse(), TODAY)
    assert [gate.signature for gate in gates] == ["a", "b"]


def test_a_pass_refutes_every_signature_of_its_subject() -> None:
    assert states([result("PASS")], SAME, CHANGED) == ["unexpected-pass", "unexpected-pass"]


def test_a_case_is_not_played_while_its_entry_says_so() -> None:
    file = parse(
        f"run = false\n{OLD}", f'id = "{OTHER}"\nrun = false', 'id = "rfc3501/6.4*"\nmax = 1\nrun = false'
    )
    assert [file.disabled(case, TODAY) for case in CASES] == [None, "why", "why"]


def test_a_disabled_case_that_was_played_nevertheless_is_judged() -> None:
    assert states([result("FAIL")], "run = false") == ["known"]
    assert states([result("CRASH")], "run = false") == ["changed"]


# --- the exit code ---

FAILED = [Gate(CASE, NEED, "new"), Gate(OTHER, NEED, "new"), Gate(THIRD, NEED, "unexpected-pass")]


@pytest.mark.parametrize(
    ("statuses", "gates", "how", "expected"),
    [
        (
            ["PASS", "ERROR"],
            FAILED,
            {"interrupted": True, "lost": "died"},
            (3, "1 error of the suite itself"),
        ),
        (
            ["PASS"],
            FAILED,
            {"interrupted": True, "lost": "died"},
            (2, "interrupted, the results are incomplete"),
        ),
        (
            ["PASS"],
            FAILED,
            {"lost": "the server died and did not come back"},
            (6, "the server died and did not come back"),
        ),
        (
            ["BLOCKED", "BLOCKED"],
            [],
            {},
            (6, "the set-up failed everywhere: 2 results blocked, none reached"),
        ),
        (["BLOCKED", "SKIP"], [], {}, (6, "the set-up failed everywhere: 1 result blocked, none reached")),
        (["BLOCKED", "PASS"], [], {}, (0, "1 result as expected")),
        (["FAIL", "FAIL", "PASS"], FAILED, {}, (1, "2 unexpected failures, 1 unexpected pass")),
        (["FAIL"], [Gate(CASE, NEED, "changed")], {}, (1, "1 changed failure")),
        (["FAIL"], [Gate(CASE, NEED, "expired")], {}, (1, "1 expired entry")),
        (["SKIP", "SKIP"], [], {}, (5, "everything was skipped")),
        ([], [], {}, (5, "nothing was selected")),
        (["PASS", "FAIL"], [Gate(CASE, NEED, "known")], {}, (0, "2 results as expected, of which 1 excused")),
        (["PASS", "SKIP"], [Gate(CASE, NEED, "unobserved")], {}, (0, "1 result as expected")),
    ],
)
def test_the_exit_code_and_its_reason(
    statuses: list[Status], gates: list[Gate], how: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert expectations.exit_code([result(status) for status in statuses], gates, **how) == expected


def test_findings_do_not_hide_that_every_case_was_blocked_or_skipped() -> None:
    finding = result("FAIL", always_on=True)
    gates = [Gate(CASE, NEED, "new")]
    assert expectations.exit_code([result("BLOCKED"), finding], gates)[0] == 6
    assert expectations.exit_code([result("SKIP"), finding], gates)[0] == 1


# --- writing ---


def test_a_rendered_file_makes_the_failures_known() -> None:
    results = [
        result("FAIL", signature='step "1"\\'),
        result("CRASH", OTHER, NEED2),
        result("WARN", THIRD, NEED, signature="w"),
        result("PASS", OTHER, NEED),
        result("FAIL", CASE, SYNTAX, always_on=True, signature="ü", places=(CASE, OTHER)),
        result("FAIL", CASE, SYNTAX, always_on=True, signature="b", places=(CASE, OTHER)),
    ]
    text = expectations.render(results)
    gates = expectations.gate(results, expectations.parse(text, "x", CASES, NEEDS), TODAY)
    assert [gate.state for gate in gates] == ["known"] * 5
    assert text.count('reason = "TODO"') == 5


def test_gates_depend_on_nothing_but_their_arguments() -> None:
    results = [result("FAIL"), result("PASS", OTHER)]
    before = [dataclasses.replace(one) for one in results]
    file = parse("")
    assert expectations.gate(results, file, TODAY) == expectations.gate(results, file, TODAY)
    assert results == before


# --- the documentation ---


def test_the_file_in_the_documentation_can_be_read() -> None:
    document = (Path(__file__).parent.parent / "docs" / "expectations.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"(?ms)^```toml\n(.*?)^```", document)
    named = set(re.findall(r'^(?:id|requirement) *= "(.*?)"', text, re.MULTILINE)) | {
        "rfc3501/6.4.4-search/charset-koi8-r"
    }
    cases = {name for name in named if re.match(r"\w+/[\d.]+-", name)}
    file = expectations.parse(text, "expected.toml", cases, named - cases)
    assert len(file.entries) == 6
    keys = set(re.findall(r"(?m)^(\w+) *=", text)) - {"format"} | {"case"}
    assert all(f"`{key}`" in document for key in keys)
