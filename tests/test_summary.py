"""`summary.md`: short, and Markdown only where we mean it."""

from __future__ import annotations

import re

import pytest
from journals import REQUIREMENTS, hostile, many, sample

from conformance import catalogue
from conformance.report import fold, summary


@pytest.fixture(autouse=True)
def known_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "load", lambda: REQUIREMENTS)


def test_the_summary_tells_the_verdict_the_counts_and_the_unexpected() -> None:
    text = summary.render(fold.fold(sample()))
    assert text.startswith("# imapspec: The suite failed, exit 3\n")
    assert "| MUST | 4 | 1 | 4 |" in text
    assert text.count("```text") == 8
    assert "3 excused by the expectation file, 1 without a reason yet." in text
    assert "- no\\-capability:STARTTLS: 1" in text


def test_markdown_and_html_of_strangers_stay_words() -> None:
    text = summary.render(fold.fold(hostile()))
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", text)
    assert "alert" in outside
    assert not re.search(r"<(?!/?details>|/?summary>)", outside)
    assert not re.search(r"(?<!\\)`", outside)
    assert all(row.isprintable() for row in text.replace("\u2060", "").split("\n"))
    fences = re.findall(r"(?m)^(`{3,})(?:text)?$", text)
    assert len(fences) == 2
    assert len(fences[0]) > 3


def test_the_summary_is_cut_between_paragraphs_and_says_so() -> None:
    run = fold.fold(many(300, "FAIL"))
    text = summary.render(run, 20_000)
    assert len(text.encode()) <= 20_000
    assert text.endswith("*Cut here. The whole story is in report.html.*\n")
    assert text.count("```text") * 2 == text.count("```")
    assert len(summary.render(run).encode()) <= summary.LIMIT


def test_nobody_is_mentioned() -> None:
    assert "@someone" not in summary.escape("@someone")
