from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance import resources
from conformance.errors import ScenarioError, UsageError
from conformance.scenario import load

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "title: An example\nproves: rfc3501/6.1.2/noop-ok\nstate: authenticated\n\nC: NOOP\nS: OK\n"

CASES = [
    "rfc2177/3-idle/idle-ends",
    "rfc3501/2.3-messages/uid-ascending",
    "rfc3501/6.3.1-select/select-again",
    "rfc3501/6.3.1-select/select-again-and-again",
    "rfc3501/6.3.10-status/status-of-selected",
    "rfc3501/6.3.2-examine/read-only",
    "rfc3501/B-changes/flags",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for case in CASES:
        path = tmp_path / f"{case}.imap"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT, encoding="utf-8")
    (tmp_path / "messages").mkdir()
    (tmp_path / "messages" / "simple.eml").write_bytes(b"Subject: x\r\n\r\n")
    return tmp_path


def test_ids_are_paths_below_the_root_in_the_order_of_sections(root: Path) -> None:
    assert load.find(root) == [
        "rfc2177/3-idle/idle-ends",
        "rfc3501/2.3-messages/uid-ascending",
        "rfc3501/6.3.1-select/select-again",
        "rfc3501/6.3.1-select/select-again-and-again",
        "rfc3501/6.3.2-examine/read-only",
        "rfc3501/6.3.10-status/status-of-selected",
        "rfc3501/B-changes/flags",
    ]


def test_a_scenario_is_loaded_by_id(root: Path) -> None:
    scenario = load.load("rfc3501/6.3.2-examine/read-only", root)
    assert scenario.id == "rfc3501/6.3.2-examine/read-only"
    assert scenario.path == str(root / "rfc3501/6.3.2-examine/read-only.imap")
    assert scenario.source == TEXT


def test_an_unknown_id_is_answered_with_the_nearest(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load.load("rfc3501/6.3.2-examine/readonly", root)
    assert (
        str(caught.value)
        == "no scenario rfc3501/6.3.2-examine/readonly; did you mean rfc3501/6.3.2-examine/read-only?"
    )


def test_a_file_elsewhere_has_its_bare_name_as_id(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "found.imap"
    path.write_text(TEXT, encoding="utf-8")
    assert load.load_file(path, root / "rfc3501").id == "found"


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the scenario .*no\.imap: No such file or directory"):
        load.load_file(tmp_path / "no.imap")


def test_a_file_that_is_not_utf_8_says_where(tmp_path: Path) -> None:
    path = tmp_path / "latin.imap"
    path.write_bytes(TEXT.encode() + b"C: SELECT \xc3\xa4\xe4\n")
    with pytest.raises(ScenarioError) as caught:
        load.load_file(path)
    assert str(caught.value) == (
        f"{path}:7:12: the file is not UTF-8 from here on\n"
        "  C: SELECT ä\N{REPLACEMENT CHARACTER}\n"
        "             ^\n"
        r"  Save it as UTF-8; other octets are written as `\xHH` in `C~` lines and in literals."
    )


def test_message_files_stand_beside_the_scenario_or_with_the_shared_ones(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "MESSAGES", root / "messages")
    scenario = root / f"{CASES[0]}.imap"
    assert load.message(scenario, "simple.eml") == b"Subject: x\r\n\r\n"
    (scenario.parent / "simple.eml").write_bytes(b"mine")
    assert load.message(scenario, "simple.eml") == b"mine"
    assert load.message(scenario, "missing.eml") is None
    assert load.message(scenario, "../3-idle/simple.eml") is None


@pytest.mark.parametrize(
    ("selectors", "numbers"),
    [
        ([], [0, 1, 2, 3, 4, 5, 6]),
        (["rfc2177"], [0]),
        (["rfc3501/6.3"], [2, 3, 4, 5]),
        (["rfc3501/6.3.1"], [2, 3]),
        (["rfc3501/6.3.1-select"], [2, 3]),
        (["rfc3501/6.3.1-select/"], [2, 3]),
        (["rfc3501/6.3.1-select/select-again"], [2]),
        (["rfc3501/B"], [6]),
        (["rfc3501/6*only"], [5]),
        (["*/6.3.?-*"], [2, 3, 5]),
        (["rfc3501/B", "rfc2177"], [0, 6]),
    ],
)
def test_selectors_mean_rfcs_sections_ids_and_patterns(selectors: list[str], numbers: list[int]) -> None:
    assert load.select(CASES, selectors) == [CASES[number] for number in numbers]


@pytest.mark.parametrize(
    ("selector", "near"),
    [
        ("rfc3502", "rfc3501"),
        ("rfc3501/6.3.3", "rfc3501/6.3.2"),
        ("rfc3501/6.3.1-selct", "rfc3501/6.3.1-select"),
        ("rfc3501/6.3.1-select/select-agian", "rfc3501/6.3.1-select/select-again"),
    ],
)
def test_a_selector_that_means_nothing_is_answered_with_the_nearest(selector: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        load.select(CASES, ["rfc2177", selector])
    assert str(caught.value) == f"{selector} selects nothing; did you mean {near}?"
