"""A journal as people want to read it: the verdict, what is unexpected, then everything else by RFC section.

Pure: the same journal gives the same view. Knows the journal and the catalogue; formats nothing and decides nothing, verdicts and
gates stand as they were written.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from conformance import catalogue
from conformance.catalogue import Requirement, natural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.journal import Case, Finding, Footer, Gate, Header, Journal, Result, Step, Trouble


@dataclass(frozen=True)
class Mark:
    """How a result shows: its status, or what the expectation file made of it."""

    key: str
    letter: str
    word: str
    definition: str


#: In the order of bars and legends.
MARKS = {
    mark.key: mark
    for mark in (
        Mark("pass", "P", "pass", "The requirement was met."),
        Mark(
            "surprise",
            "U",
            "unexpected pass",
            "Passed although the expectation file says it fails: delete the entry.",
        ),
        Mark(
            "fail",
            "F",
            "fail",
            "A MUST of the RFC was broken, and no entry of the expectation file foresaw it.",
        ),
        Mark("crash", "C", "crash", "The server died, or every connection was lost."),
        Mark("timeout", "T", "timeout", "No answer came within the deadline."),
        Mark("flaky", "Y", "flaky", "A failure that did not happen again on a fresh mailbox."),
        Mark("error", "E", "error", "A fault of this suite; it says nothing about the server."),
        Mark("known", "K", "known", "Failed or wavered as the expectation file says; see its reason."),
        Mark(
            "warn",
            "W",
            "warn",
            "A SHOULD was not met, or a weaker outcome was chosen; the server still conforms.",
        ),
        Mark("info", "I", "info", "The RFC leaves the choice: a fact about the server, no verdict."),
        Mark("skip", "S", "skip", "Not applicable here, for the reason given; not a pass."),
        Mark("blocked", "B", "blocked", "The set-up failed, so nothing is known about the requirement."),
    )
}

#: Exit code -> the verdict in a few words.
VERDICTS = {
    0: "As expected",
    1: "Not as expected",
    2: "Interrupted",
    3: "The suite failed",
    4: "Not started",
    5: "Nothing was tested",
    6: "The server could not be tested",
}

#: Gate states that need the reader's attention: title, and what to do.
ATTENTION: dict[str, tuple[str, str]] = {
    "new": ("New failures", "No entry of an expectation file foresees these."),
    "changed": ("Changed failures", "They fail in another way than the expectation file says."),
    "unexpected-pass": ("Unexpected passes", "Good news: delete these entries of the expectation file."),
    "expired": ("Expired expectations", "Their entries have passed their last day and excuse no longer."),
}

#: Options that were about the run as a whole: they are left out when one of its cases is to be run again.
_WHOLE = {"--last-failed", "-x", "--exitfirst", "-q", "--quiet"}

_FAILED = ("FAIL", "CRASH", "TIMEOUT", "FLAKY")


@dataclass(frozen=True)
class Item:
    """One result with everything that explains it."""

    result: Result
    requirement: Requirement
    gate: Gate | None = None
    case: Case | None = None
    steps: tuple[Step, ...] = ()  #: of the attempt that decided
    findings: tuple[Finding, ...] = ()  #: of always-on checks in the same attempt
    again: str = ""  #: the command that runs just this

    @property
    def attention(self) -> str:
        """Key of `ATTENTION`, or "". A failure in a journal that was cut off before the gates counts as new."""
        if self.gate is None:
            return "new" if self.result.status in _FAILED else ""
        return self.gate.state if self.gate.state in ATTENTION else ""

    @property
    def excused(self) -> bool:
        """Failed, and the expectation file says so."""
        gated = self.gate is not None and self.gate.state in ("known", "tolerated")
        return gated and self.result.status not in ("PASS", "INFO")

    @property
    def mark(self) -> Mark:
        """How it shows."""
        if self.attention == "unexpected-pass":
            return MARKS["surprise"]
        return MARKS["known" if self.excused else self.result.status.lower()]

    @property
    def connections(self) -> int:
        """How many connections the case uses."""
        return len({step.connection for step in self.steps})


@dataclass(frozen=True)
class Line:
    """One line of a transcript."""

    step: Step
    marked: bool  #: this is where the result was decided
    wait: float  #: milliseconds since the line before, 0 if not worth a word
    state: str  #: what the client believes, "" if nothing changed on this connection
    notes: tuple[str, ...]  #: requirements that this line breaks
    left_out: int  #: lines left out before this one
    setup: bool  #: how the start state was reached, before the scenario begins

    @property
    def side(self) -> Literal["C", "S", ""]:
        """Who speaks."""
        return _SIDES.get(self.step.kind, "")

    @property
    def event(self) -> str:
        """What happened, for lines that carry no octets."""
        given_up = self.step.kind == "end" and self.step.note.startswith(("limit", "stalled"))
        words = "we gave the connection up" if given_up else _EVENTS.get(self.step.kind, "")
        return f"{words}: {self.step.note}" if words and self.step.note else words

    @property
    def problem(self) -> Trouble | None:
        """What the grammar refuses in it."""
        return self.step.problem


_SIDES: dict[str, Literal["C", "S"]] = {"send": "C", "receive": "S"}
_EVENTS = {
    "connect": "connected",
    "end": "the server closed the connection",
    "close": "we closed the connection",
    "tls": "TLS from here on",
    "silence": "nothing came until the deadline",
}

#: Shorter waits than this are not worth a word, in seconds.
_WAIT = 0.05


@dataclass(frozen=True)
class Row:
    """A requirement and what came of it."""

    requirement: Requirement
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Section:
    """A section of an RFC and its requirements."""

    rfc: str  #: "rfc3501", "" for results that name no section
    number: str
    topic: str  #: from the scenario folder, e.g. "select"
    rows: tuple[Row, ...]

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of results by mark."""
        return tally(item for row in self.rows for item in row.items)


@dataclass(frozen=True)
class Run:
    """A whole run."""

    header: Header
    footer: Footer | None
    items: tuple[Item, ...]
    sections: tuple[Section, ...]
    durations: Mapping[str, float] = field(default_factory=dict)  #: case -> seconds of its last play
    idle: tuple[Gate, ...] = ()  #: entries of the expectation file that met no result

    @property
    def code(self) -> int | None:
        """The exit code, None for a journal that was cut off."""
        return self.footer.exit_code if self.footer else None

    @property
    def verdict(self) -> str:
        """In a few words."""
        return "Cut off" if self.footer is None else VERDICTS.get(self.footer.exit_code, "Ended")

    @property
    def reason(self) -> str:
        """Why this verdict, in one line."""
        return self.footer.reason if self.footer else "the journal has no end; this is what was learnt before"

    def wanting(self, state: str) -> tuple[Item, ...]:
        """Items that need attention for this reason (a key of `ATTENTION`)."""
        return tuple(item for item in self.items if item.attention == state)

    def marked(self, *keys: str) -> tuple[Item, ...]:
        """Items that show under one of these marks."""
        return tuple(item for item in self.items if item.mark.key in keys)

    @property
    def warnings(self) -> tuple[Item, ...]:
        """Warnings that need no attention."""
        return tuple(item for item in self.marked("warn") if not item.attention)

    @property
    def cases(self) -> int:
        """How many cases have results."""
        return len({item.result.id for item in self.items if not item.result.always_on})

    @property
    def unwritten(self) -> int:
        """Excused results whose reason is still to be written."""
        return sum(
            item.excused and item.gate is not None and item.gate.reason == "TODO" for item in self.items
        )

    @property
    def levels(self) -> Mapping[str, Mapping[str, int]]:
        """Level -> mark -> number of results."""
        return {
            level: counts
            for level in ("MUST", "SHOULD", "MAY")
            if (counts := tally(item for item in self.items if item.result.level == level))
        }

    def by_reason(self, key: str) -> Mapping[str, tuple[str, ...]]:
        """Reason -> cases (requirements, for always-on checks) that show under a mark, commonest reason first."""
        found: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for item in self.marked(key):
            found[item.result.reason or "no reason given"][item.result.id or item.result.requirement] = None
        return {
            reason: tuple(ids)
            for reason, ids in sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        }

    @property
    def counts(self) -> Mapping[str, int]:
        """Number of results by mark."""
        return tally(self.items)

    @property
    def command(self) -> str:
        """What was typed, without secrets."""
        return shlex.join(["imapspec", *self.header.command])

    @property
    def slowest(self) -> tuple[tuple[str, float], ...]:
        """The cases that took longest, with seconds."""
        return tuple(sorted(self.durations.items(), key=lambda pair: (-pair[1], pair[0]))[:10])


def tally(items: Iterable[Item]) -> Mapping[str, int]:
    """Number of items by mark, in the order of `MARKS`."""
    found = Counter(item.mark.key for item in items)
    return {key: found[key] for key in MARKS if key in found}


def fold(journal: Journal) -> Run:
    """The view of a journal."""
    cases = {(case.id, case.attempt): case for case in journal.cases}
    steps: defaultdict[tuple[str, int], list[Step]] = defaultdict(list)
    for step in journal.steps:
        steps[step.case, step.attempt].append(step)
    findings: defaultdict[tuple[str, int], list[Finding]] = defaultdict(list)
    for finding in journal.findings:
        findings[finding.case, finding.attempt].append(finding)
    gates = {(gate.id, gate.requirement, gate.signature): gate for gate in journal.gates}
    items = []
    for result in journal.results:
        play = (result.id, result.attempt)
        gate = gates.pop((result.id, result.requirement, result.signature), None)
        items.append(
            item(
                result,
                journal.header,
                gate=gate,
                case=cases.get(play),
                steps=steps[play],
                findings=findings[play],
            )
        )
    return Run(
        header=journal.header,
        footer=journal.footer,
        items=tuple(items),
        sections=_sections(items),
        durations={tally.case: tally.duration for tally in journal.tallies},
        idle=tuple(gate for gate in gates.values() if gate.state in ("unobserved", "not-run")),
    )


def item(
    result: Result,
    header: Header,
    *,
    gate: Gate | None = None,
    case: Case | None = None,
    steps: Sequence[Step] = (),
    findings: Sequence[Finding] = (),
) -> Item:
    """One result with what explains it: steps and findings are those of the attempt that decided."""
    known = catalogue.load().get(result.requirement)
    requirement = known or Requirement(result.requirement, result.level, "")
    return Item(result, requirement, gate, case, tuple(steps), tuple(findings), _again(header, result, case))


def _again(header: Header, result: Result, case: Case | None) -> str:
    """The command that runs just this case, with the options of the run; "" for a connection that was watched."""
    if header.command[:1] == ("watch",):
        return ""
    if header.command[:1] != ("run",):
        words = ["replay", case.path if case else result.id, "--target", header.target]
    else:
        words = [word for word in header.command if word not in header.selection and word not in _WHOLE]
        words.append(result.id or result.requirement)
    return shlex.join(["imapspec", *words])


def transcript(item: Item, before: int, after: int) -> tuple[Line, ...]:
    """The steps around those that decided, at most `before` and `after` them; the end, where no step decided.

    A long decisive range keeps both its ends.
    """
    count = len(item.steps)
    first, last = item.result.steps or (item.steps[-1].n + 1, 0) if item.steps else (0, 0)
    decisive = [index for index, step in enumerate(item.steps) if first <= step.n <= last] or [count]
    shown = [
        *range(max(decisive[0] - before, 0), decisive[0]),
        *decisive,
        *range(decisive[-1] + 1, decisive[-1] + 1 + after),
    ]
    shown = [index for index in shown if index < count]
    room = before + after + 1
    if len(shown) > 2 * room:
        shown = shown[:room] + shown[-room:]
    notes: defaultdict[int, dict[str, None]] = defaultdict(dict)
    for number, requirement in (
        *((item.steps[index].n, item.result.requirement) for index in decisive[:1] if index < count),
        *((finding.step, finding.requirement) for finding in item.findings),
    ):
        notes[number][requirement] = None
    begins = next((index for index, step in enumerate(item.steps) if step.line), 0)
    lines = []
    states: dict[str, str] = {}
    for index, step in enumerate(item.steps):
        changed = states.get(step.connection) != step.state
        states[step.connection] = step.state
        if index in shown:
            position = shown.index(index)
            left_out = index - (shown[position - 1] + 1 if position else 0)
            wait = step.time - item.steps[index - 1].time if index else 0.0
            lines.append(
                Line(
                    step=step,
                    marked=index in decisive,
                    wait=wait * 1000 if wait >= _WAIT else 0.0,
                    state=step.state if changed or left_out or index == begins else "",
                    notes=tuple(notes[step.n]),
                    left_out=left_out,
                    setup=index < begins <= decisive[0],
                )
            )
    return tuple(lines)


def _sections(items: Sequence[Item]) -> tuple[Section, ...]:
    topics = {}
    rows: defaultdict[tuple[str, str], defaultdict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for found in items:
        rfc, _, rest = found.result.id.partition("/")
        if topic := re.match(r"([^-/]+)-([^/]+)/", rest):
            topics[rfc, topic[1]] = topic[2].replace("-", " ")
        rows[place(found.requirement)][found.requirement.id].append(found)
    # The RFC that most of the run is about comes first, then those that extend it.
    sizes = Counter(place(found.requirement)[0] for found in items)
    return tuple(
        Section(
            *key,
            topics.get(key, ""),
            tuple(Row(found[0].requirement, tuple(found)) for found in rows[key].values()),
        )
        for key in sorted(rows, key=lambda key: (-sizes[key[0]], key[0], natural(key[1])))
    )


def place(requirement: Requirement) -> tuple[str, str]:
    """RFC and section, empty for a name that is no requirement id."""
    return (
        (requirement.rfc, requirement.section) if re.match(r"rfc\d+/\w[^/]*/.", requirement.id) else ("", "")
    )
