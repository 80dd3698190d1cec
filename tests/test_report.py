"""The reports as folds over a journal: nothing lost, nothing executed, nothing too large."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from journals import HOSTILE, NASTY, REQUIREMENTS, builder, hostile, many, sample

from conformance import catalogue, report
from conformance.catalogue import Requirement
from conformance.errors import UsageError
from conformance.journal import Cut, Finding, Gate, Header, Journal, Result, Step, Trouble
from conformance.report import block, fold, html, summary, visible

if TYPE_CHECKING:
    from conformance.journal import Status


@pytest.fixture(autouse=True)
def known_requirements(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "load", lambda: REQUIREMENTS)


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[str] = []
        self.words = ""
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in = tag
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_endtag(self, tag: str) -> None:
        self._in = "" if tag == self._in else self._in

    def handle_data(self, data: str) -> None:
        if self._in == "script":
            self.scripts.append(data)
        elif self._in != "style":
            self.words += data


def item(status: str = "FAIL") -> fold.Item:
    return next(found for found in fold.fold(sample()).items if found.result.status == status)


# --- fold ---


def test_every_result_is_in_exactly_one_section_and_under_one_mark() -> None:
    run = fold.fold(sample())
    in_sections = [found for section in run.sections for row in section.rows for found in row.items]
    assert sorted(map(id, in_sections)) == sorted(map(id, run.items))
    assert sum(run.counts.values()) == len(run.items)
    assert {key: sum(level.get(key, 0) for level in run.levels.values()) for key in run.counts} == run.counts


def test_the_sample_shows_every_mark_and_every_kind_of_attention() -> None:
    run = fold.fold(sample())
    assert set(fold.MARKS) - set(run.counts) == {"timeout"}, "a timeout is among the known failures"
    assert all(run.wanting(state) for state in fold.ATTENTION)
    assert [gate.state for gate in run.idle] == ["not-run", "unobserved"]


def test_excused_results_are_counted_apart_from_failures_and_passes() -> None:
    run = fold.fold(sample())
    assert run.counts["known"] == 3
    assert run.unwritten == 1
    assert {found.result.status for found in run.marked("known")} == {"TIMEOUT", "FAIL", "WARN"}
    assert [found.result.requirement for found in run.warnings] == ["rfc3501/6.3.11/trycreate"]


def test_sections_come_in_the_order_of_the_rfc_and_the_main_rfc_first() -> None:
    run = fold.fold(sample())
    assert [(section.rfc, section.number) for section in run.sections] == [
        *(
            ("rfc3501", n)
            for n in [
                "2.3.1.1",
                "6.1.2",
                "6.2.1",
                "6.3.1",
                "6.3.3",
                "6.3.9",
                "6.3.11",
                "6.4.4",
                "6.4.5",
                "6.4.6",
                "7.4.1",
                "9",
            ]
        ),
        ("rfc2177", "3"),
        ("rfc2180", "3.1"),
    ]
    assert run.sections[3].topic == "select"


def test_a_result_without_a_section_or_a_catalogue_entry_is_still_shown() -> None:
    journal = builder().result(Result("local/x", "odd", "MUST", "FAIL"), gate="new").finish(1, "x")
    run = fold.fold(journal)
    assert (run.sections[0].rfc, run.sections[0].number) == ("", "")
    assert "odd" in html.render(run)
    assert "(not in this catalogue)" in block.block(run.items[0])


def test_a_journal_that_was_cut_off_says_so_and_its_failures_are_new() -> None:
    journal = sample()
    journal.footer, journal.gates = None, []
    run = fold.fold(journal)
    assert (run.code, run.verdict) == (None, "Cut off")
    assert {found.result.status for found in run.wanting("new")} == {"FAIL", "CRASH", "TIMEOUT", "FLAKY"}
    assert "Cut off" in html.render(run)
    assert "Cut off" in summary.render(run)


def test_two_findings_of_one_check_in_one_case_keep_their_own_gates() -> None:
    def finding(signature: str) -> Result:
        return Result("c", "rfc3501/9/response-syntax", "MUST", "FAIL", signature=signature, always_on=True)

    journal = builder().result(finding("a"), gate="known").result(finding("b"), gate="new").finish(1, "x")
    assert [found.mark.key for found in fold.fold(journal).items] == ["known", "fail"]


def test_the_steps_are_those_of_the_attempt_that_decided() -> None:
    run = builder()
    run.case("c", "rfc3501/9/response-syntax", "FAIL", "A C: first", attempt=1)
    run.journal.results.clear()
    run.case("c", "rfc3501/9/response-syntax", "FAIL", "A C: second", attempt=2)
    (found,) = fold.fold(run.finish(1, "x")).items
    assert [step.octets for step in found.steps] == ["second\r\n"]


def test_a_transcript_keeps_both_ends_of_a_long_range_and_tells_what_it_left_out() -> None:
    journal = many(1, "FAIL")
    journal.results = [
        Result("rfc3501/6.1.1-topic/case-0", "rfc3501/6.1.1/demand-0", "MUST", "FAIL", steps=(5, 55))
    ]
    lines = fold.transcript(fold.fold(journal).items[0], 2, 1)
    assert [line.step.n for line in lines] == [3, 4, 5, 6, 53, 54, 55, 56]
    assert [line.left_out for line in lines] == [2, 0, 0, 0, 46, 0, 0, 0]
    assert [line.marked for line in lines] == [False, False, True, True, True, True, True, False]


def test_a_transcript_without_a_deciding_step_shows_its_end() -> None:
    journal = many(1, "FAIL")
    journal.results = [Result("rfc3501/6.1.1-topic/case-0", "rfc3501/6.1.1/demand-0", "MUST", "CRASH")]
    lines = fold.transcript(fold.fold(journal).items[0], 3, 1)
    assert [(line.step.n, line.marked) for line in lines] == [(58, False), (59, False), (60, False)]


def test_the_set_up_is_told_apart_unless_the_result_was_decided_in_it() -> None:
    def setup(first: int) -> list[int]:
        run = builder().case(
            "c", "rfc3501/6.3.1/uidnext", "FAIL", *["A C: x", "A S: y"] * 3, gate="new", steps=(first, first)
        )
        run.journal.steps = [dataclasses.replace(step, line=max(step.n - 4, 0)) for step in run.journal.steps]
        assert ("Set-up: 4 lines" in html.render(fold.fold(run.journal))) == (first == 6)
        return [line.step.n for line in fold.transcript(fold.fold(run.journal).items[0], 9, 9) if line.setup]

    assert setup(6) == [1, 2, 3, 4]
    assert setup(2) == []


def test_lines_say_what_they_break_when_the_state_changes_and_what_took_long() -> None:
    lines = fold.transcript(item(), 60, 60)
    assert [line.step.n for line in lines if line.notes] == [11]
    assert [(line.step.n, line.state) for line in lines if line.state][:3] == [
        (1, "authenticated"),
        (3, "selected"),
        (4, "selected"),
    ]
    assert [round(line.wait) for line in fold.transcript(item("CRASH"), 60, 60)] == [0, 0, 1201]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("run", "dovecot", "rfc3501/6.3", "-v"), "imapspec run dovecot -v c"),
        (("run",), "imapspec run c"),
        (("fuzz", "dovecot"), "imapspec replay scenarios/c.imap --target dovecot"),
    ],
)
def test_the_command_that_runs_just_this(command: tuple[str, ...], expected: str) -> None:
    run = builder().case("c", "rfc3501/9/response-syntax", "FAIL", "A C: x")
    run.journal.header = Header("1", command, "dovecot", 1, "", selection=("rfc3501/6.3",))
    assert fold.fold(run.journal).items[0].again == expected


# --- visible ---


@pytest.mark.parametrize("text", [HOSTILE, "".join(map(chr, range(0x300))), NASTY])
def test_what_is_visible_is_printable(text: str) -> None:
    assert visible.line(text).isprintable()
    assert all(row.isprintable() for row in visible.words(text).split("\n"))
    assert re.fullmatch(
        r"[\x20-\x7e]*", visible.octets(text[:200].encode("latin-1", "replace").decode("latin-1"))
    )


@pytest.mark.parametrize("offset", [0, 3, 40, 119, 120, 121, 500])
def test_the_caret_stands_under_the_octet(offset: int) -> None:
    text = "* 1 FETCH (BODY[] {4}\r\nab\x00\xff " + "x" * 90 + "!)\r\n"
    shown, column = visible.caret(text, offset, 60)
    assert len(shown) <= 60
    assert column <= len(shown)
    if offset < len(text) - 2 and text[offset] not in "\r\n":
        assert shown[column:].startswith(visible.octets(text[offset]))


# --- block ---


def test_the_block_tells_requirement_expected_actual_wire_and_command() -> None:
    assert block.block(item(), width=90).split("\n") == [
        "F rfc3501/7.4.1/no-expunge-during-fetch                                    MUST  FAIL  new",
        "  RFC 3501 section 7.4.1: No EXPUNGE response is sent while FETCH, STORE or SEARCH is in",
        "  progress.",
        "  case      rfc3501/7.4.1-expunge/no-expunge-during-fetch, line 12 (EXPUNGE is not",
        "            reported while FETCH is in progress)",
        "  message   An EXPUNGE response came while FETCH was in progress.",
        '  expected  no "* n EXPUNGE" before the tagged response',
        "  actual    * 2 EXPUNGE",
        "         ...",
        "       7 B S: * 2 EXPUNGE",
        "       8 B S: b6 OK done",
        "       9 A C: a5 FETCH 1 (FLAGS)",
        r"      10 A S: * 1 FETCH (FLAGS (\Seen) UID 4)",
        "   >  11 A S: * 2 EXPUNGE",
        "      12 A S: a5 OK FETCH completed",
        "  cause     often: Pending expunges are flushed before every tagged response.",
        "  again     imapspec run imap://127.0.0.1:1143 -u 'alice:********' rfc3501/7.4.1-expunge/no-expunge-during-fetch",
    ]


def test_the_block_points_at_the_octet_that_the_grammar_refuses() -> None:
    finding = next(found for found in fold.fold(sample()).items if found.result.always_on)
    rows = block.block(finding).split("\n")
    line = next(index for index, row in enumerate(rows) if row.startswith("   >"))
    assert rows[line][rows[line + 1].index("^")] == ")"
    assert rows[line + 2].strip() == 'uniqueid: at octet 29 expected a digit from 1 to 9, found ")"'
    assert "seen 7 times in 2 cases, first in rfc3501/2.3.1.1-uid/after-expunge" in "\n".join(rows)


@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_nothing_that_a_terminal_obeys_gets_through_and_no_line_is_too_wide(width: int) -> None:
    for journal in (hostile(), sample(), many(2, "FAIL")):
        for found in fold.fold(journal).items:
            *rows, command = block.block(found, width=width).split("\n")
            assert all(row.isprintable() for row in (*rows, command))
            assert max(map(len, rows)) <= max(width, 40)


def test_what_is_endless_is_cut() -> None:
    many_words = tuple(f"word {n}" for n in range(40))
    run = builder().case(
        "c", "rfc3501/9/response-syntax", "FAIL", "A S: * OK", gate="new", steps=(1, 1), actual="x y " * 20_000,
        log="line\n" * 900, problem={1: Trouble("text", 5, many_words, "nothing")},
    )  # fmt: skip
    text = block.block(fold.fold(run.journal).items[0])
    assert len(text) < 3_000
    assert "expected word 0, word 1, word 2, word 3, word 4, word 5 or 34 more, found nothing" in " ".join(
        text.split()
    )
    assert len(html.render(fold.fold(run.journal))) < 40_000


def test_a_response_of_many_lines_is_told_by_its_first_and_its_length() -> None:
    run = builder().case(
        "c", "rfc3501/9/response-syntax", "FAIL", "A S: * 1 FETCH (BODY[] {6}\r\none\r\n\r\n)", steps=(1, 1)
    )
    text = block.block(fold.fold(run.journal).items[0])
    assert "S: * 1 FETCH (BODY[] {6} [33 octets, 4 lines]" in text


def test_a_step_that_the_journal_cut_tells_its_whole_length() -> None:
    run = builder().case("c", "rfc3501/9/response-syntax", "FAIL")
    run.journal.steps.append(
        Step("c", 1, 1, "A", "receive", 0.0, "selected", "* OK abc", cut=Cut(123456, "00"))
    )
    shown = fold.fold(run.journal)
    assert "123456 octets" in block.block(shown.items[0])
    assert "123456 octets in all" in html.render(fold.fold(_with_gate(run.journal)))


def _with_gate(journal: Journal) -> Journal:
    journal.gates.append(Gate("c", "rfc3501/9/response-syntax", "new"))
    return journal


# --- page ---


def test_ids_are_unique_and_every_link_inside_the_page_leads_somewhere() -> None:
    page = Page(html.render(fold.fold(sample())))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    cases = {result.id for result in sample().results}
    requirements = {result.requirement for result in sample().results}
    assert cases | requirements <= set(page.ids), "anchors are case ids and requirement ids"


def test_two_failures_of_one_requirement_have_their_own_anchors() -> None:
    run = builder()
    for case in ("a", "b"):
        run.case(case, "rfc3501/9/response-syntax", "FAIL", gate="new")
    page = Page(html.render(fold.fold(run.finish(1, "x"))))
    assert {"#rfc3501/9/response-syntax", "#rfc3501/9/response-syntax:b"} <= set(page.links)
    assert len(page.ids) == len(set(page.ids))


def test_the_page_loads_nothing_and_runs_nothing_but_its_own_script() -> None:
    for journal in (sample(), hostile()):
        text = html.render(fold.fold(journal))
        page = Page(text)
        assert page.tags.isdisjoint({"link", "img", "iframe", "object", "embed", "base", "svg"})
        assert not {name for name in page.attributes if name.startswith("on")}
        assert all(
            link.startswith(("#", "https://", "run.jsonl", "junit.xml", "summary.md")) for link in page.links
        )
        (script,) = page.scripts
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in text


def test_what_a_hostile_server_sends_is_harmless_and_visible() -> None:
    text = html.render(fold.fold(hostile()))
    assert all(row.isprintable() for row in text.split("\n"))
    page = Page(text)
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in page.words
    assert r"\0\x07\x1b[2J\x7f\x85\x9b" in page.words
    assert r"\u202e\ud800" in page.words
    assert "{{ 7*7 }}&amp;" in page.words
    assert 'href="javascript' not in text


def test_the_page_says_what_is_unexpected_before_everything_else() -> None:
    words = Page(html.render(fold.fold(sample()))).words
    order = ["The suite failed", "New failures", "Changed failures", "Unexpected passes", "Expired expectations",
             "Errors of the suite", "By section", "Warnings", "Known failures", "Not tested", "Facts about this server", "This run"]  # fmt: skip
    found = [words.rindex(title) for title in order]
    assert found == sorted(found)
    for fact in (
        "the index is rebuilt first",
        "no-capability:STARTTLS",
        "deleted at once",
        "kills the shared server",
    ):
        assert fact in words


def test_every_status_that_shows_is_defined_on_the_page() -> None:
    words = Page(html.render(fold.fold(sample()))).words
    assert all(mark.definition in words for mark in fold.MARKS.values())


def test_the_offending_octet_is_marked_and_pointed_at() -> None:
    text = html.render(fold.fold(sample()))
    assert "UID <mark>)</mark>" in text
    assert '<pre class="caret">* 3 FETCH (FLAGS (\\Seen) UID )\n                             ^</pre>' in text


def test_lines_inside_a_response_stay_lines_with_their_ends_visible() -> None:
    run = builder().case(
        "c", "rfc3501/6.3.1/uidnext", "FAIL", "A S: {9}\r\n\r\na\x00\nb", gate="new", steps=(1, 1)
    )
    text = html.render(fold.fold(run.journal))
    assert "</b> {9}<i>\\r\\n</i>\n<i>\\r\\n</i>\na<i>\\0\\n</i>\nb" in text


def test_transcripts_of_passes_are_not_in_the_page_those_of_failures_are() -> None:
    assert "some octets of a usual length" not in html.render(fold.fold(many(20, "PASS")))
    assert "some octets of a usual length" in html.render(fold.fold(many(20, "FAIL")))


@pytest.mark.parametrize("status", ["PASS", "FAIL", "WARN", "SKIP"])
def test_the_page_of_500_cases_stays_below_2_mb(status: Status) -> None:
    assert len(html.render(fold.fold(many(500, status))).encode()) < 2_000_000


# --- all of them ---


def test_all_reports_are_written_and_a_later_run_replaces_them(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "report"
    report.write_all(many(1, "PASS"), directory)
    written = report.write_all(sample(), directory)
    assert set(written) == {"report.html", "junit.xml", "summary.md"}
    assert all(path.parent == directory and path.stat().st_size > 1000 for path in written.values())
    assert "ExampleIMAPd" in written["report.html"].read_text(encoding="utf-8")


def test_hostile_text_can_be_written_as_utf_8(tmp_path: Path) -> None:
    report.write_all(hostile(), tmp_path)


def test_a_directory_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--report-dir"):
        report.write_all(sample(), tmp_path / "file")


def test_an_empty_run_has_reports_too(tmp_path: Path) -> None:
    journal = builder().finish(5, "nothing was selected")
    written = report.write_all(journal, tmp_path)
    assert "Nothing was tested" in written["report.html"].read_text(encoding="utf-8")
    assert "Nothing was tested" in written["summary.md"].read_text(encoding="utf-8")


def test_a_report_changes_nothing_in_the_journal() -> None:
    journal, untouched = sample(), sample()
    html.render(fold.fold(journal))
    summary.render(fold.fold(journal))
    assert journal == untouched


def test_findings_are_noted_in_the_transcript_of_whatever_case_they_occurred() -> None:
    run = builder().case("c", "rfc3501/6.3.1/uidnext", "FAIL", "A C: x", "A S: y", steps=(1, 1))
    run.journal.findings.append(Finding("c", 1, "rfc3501/9/response-syntax", "s", 2, "", ""))
    lines = fold.transcript(fold.fold(run.journal).items[0], 5, 5)
    assert [line.notes for line in lines] == [("rfc3501/6.3.1/uidnext",), ("rfc3501/9/response-syntax",)]


def test_links_lead_to_the_section_of_the_rfc() -> None:
    page = Page(html.render(fold.fold(sample())))
    assert REQUIREMENTS["rfc3501/7.4.1/no-expunge-during-fetch"].link in page.links
    assert Requirement("rfc3501/A/x", "MUST", "").link.endswith("#appendix-A")


def test_the_documentation_defines_every_mark() -> None:
    document = (Path(__file__).parent.parent / "docs" / "report.md").read_text(encoding="utf-8")
    for mark in fold.MARKS.values():
        assert re.search(rf"(?mi)^\| {mark.letter} \| {mark.word} \|", document), mark
    for code in fold.VERDICTS:
        assert re.search(rf"(?m)^\| {code} \|", document)
