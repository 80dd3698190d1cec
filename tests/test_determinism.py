"""The same run again gives the same verdicts, and the same journal apart from times and what the server itself chooses."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from calls import call, program, report

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.journal import Journal

#: Cases that pass, fail and warn, with one connection and with two, each with a mailbox of its own.
SELECTION = ["rfc3501/2.3", "rfc3501/6.1", "rfc3501/6.2.2", "rfc3501/6.3.6", "rfc3501/6.4.8", "rfc3501/7.4"]
WORDS = ["run", "pymap", *SELECTION, "--seed", "1", "-q"]

#: Identifiers of mailboxes, messages and threads, UIDVALIDITY, and dates of arrival.
CHOSEN = re.compile(r"\([FMT][0-9a-f]{32}\)|\b\d{9,10}\b|[ \d]\d-[A-Z][a-z]{2}-20\d\d \d\d:\d\d:\d\d \+\d{4}")
TIMES = {"together", "time", "duration", "started", "finished"}


def verdicts(journal: Journal) -> list[tuple[str, str, str, str]]:
    return [(r.id, r.requirement, r.status, r.signature) for r in journal.results]


def records(folder: Path) -> list[dict[str, Any]]:
    """The journal without times, what came in one read, and the server's own choices."""
    lines = (folder / "run.jsonl").read_text().splitlines()
    told = [json.loads(CHOSEN.sub("chosen", line)) for line in lines]
    # How often a poll asks is a matter of time, and so is how often an always-on check was put to the test.
    polled = {r["id"] for r in told if r["record"] == "case" and "poll" in r["source"]}
    kept = [r for r in told if r.get("case", r.get("id")) not in polled and not r.get("always_on")]
    return [{key: value for key, value in record.items() if key not in TIMES} for record in kept]


def run(folder: Path, *words: str) -> Path:
    """The report folder of a run; every run has the same command line."""
    folder.mkdir()
    with contextlib.chdir(folder):
        called = call(*words) if "-n" not in words else program(*words, folder=folder)
    assert called.code == 1, called
    return folder / "imapspec-report"


def test_the_same_run_again_gives_the_same(tmp_path: Path) -> None:
    """One test, because all of it is about the same five runs."""
    folders = [run(tmp_path / str(number), *WORDS) for number in range(5)]
    first, *others = (verdicts(report(folder)) for folder in folders)
    assert len({case for case, *_ in first}) > 40
    assert {status for _, _, status, _ in first} >= {"PASS", "FAIL", "WARN"}
    for other in others:
        assert other == first

    wrote, *others_wrote = map(records, folders)
    assert len(wrote) > 1000
    for other_wrote in others_wrote:
        for mine, its in zip(wrote, other_wrote, strict=True):
            assert its == mine

    # Workers play in another order, and write down the same.
    assert verdicts(report(run(tmp_path / "workers", *WORDS, "-n", "2"))) == first

    # Another seed: the same verdicts in other mailboxes.
    reseeded = report(run(tmp_path / "seed", *("2" if word == "1" else word for word in WORDS)))
    assert verdicts(reseeded) == first
    one, two = (
        {step.octets for step in j.steps if " CREATE " in step.octets} for j in (report(folders[0]), reseeded)
    )
    assert one
    assert one.isdisjoint(two)
