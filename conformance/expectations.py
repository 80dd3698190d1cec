"""Known failures: the expectation file, what it makes of a run's results, and the exit code that follows.

The file belongs to the server's project. An entry excuses what it names and nothing else; one that has become wrong (the
failure is another one, or it passes) is itself an unexpected result. Everything here is a pure function of its arguments.

Knows: results and gates of the journal, the form of the file. Must not know: how a verdict was reached, the clock, sockets.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from conformance.errors import UsageError, nearest
from conformance.journal import Gate, GateState, Result, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

FORMAT = 1

#: What an entry may expect. PASS beside another one says: known to be flaky, never decides.
EXPECTABLE: tuple[Status, ...] = ("PASS", "FAIL", "WARN", "CRASH", "TIMEOUT")

#: Results that say nothing about the requirement: no entry is confirmed or refuted by them.
SILENT: tuple[Status, ...] = ("SKIP", "BLOCKED", "ERROR")

#: Results that are no failure under any expectation.
GOOD: tuple[Status, ...] = ("PASS", "INFO")

#: Gate states that end a run with exit code 1, in the words of the last line on the terminal.
UNEXPECTED: dict[GateState, tuple[str, str]] = {
    "new": ("unexpected failure", "unexpected failures"),
    "changed": ("changed failure", "changed failures"),
    "unexpected-pass": ("unexpected pass", "unexpected passes"),
    "expired": ("expired entry", "expired entries"),
}


@dataclass(frozen=True)
class Entry:
    """One `[[expect]]` of the file."""

    number: int  #: counts from 1 in the file
    id: str  #: as written: a case, a requirement, or a pattern
    reason: str
    case: str = ""  #: "" = any; a pattern when `maximum` is set
    requirement: str = ""  #: "" = any
    status: tuple[Status, ...] = ("FAIL",)
    signature: str = ""  #: "" = whatever the failure is
    issue: str = ""
    since: dt.date | None = None
    expires: dt.date | None = None  #: the last day on which the entry excuses
    run: bool = True
    maximum: int = 0  #: of a pattern: how many cases it may excuse; 0 for an exact id
    lines: tuple[int, int] = (0, 0)  #: first and last line in the file, (0, 0) if unknown

    @property
    def flaky(self) -> bool:
        """Known to pass and fail in turn."""
        return "PASS" in self.status

    @property
    def rank(self) -> int:
        """How specific the entry is; of several that cover a result only the most specific count."""
        return 0 if self.maximum else 1 + 2 * bool(self.case) + bool(self.requirement)

    def expired(self, today: dt.date) -> bool:
        """Whether the entry has stopped excusing."""
        return self.expires is not None and today > self.expires

    def covers(self, result: Result) -> bool:
        """Whether the entry speaks of this result.

        A finding of an always-on check has many places: one that is narrowed to a case must occur nowhere else.
        """
        places = result.places or (result.id,)
        if self.maximum:
            named = fnmatchcase(result.requirement, self.id) or all(
                fnmatchcase(place, self.id) for place in places
            )
        else:
            named = True
        return (
            named
            and (not self.case or all(place == self.case for place in places))
            and (not self.requirement or result.requirement == self.requirement)
        )


@dataclass(frozen=True)
class Expectations:
    """The whole file. Without a file there are no entries, and every failure is new."""

    path: str = ""
    entries: tuple[Entry, ...] = ()

    def disabled(self, case: str, today: dt.date) -> str | None:
        """The reason why a case is not to be played at all (`run = false`), or None."""
        for entry in self.entries:
            if (
                not entry.run
                and not entry.expired(today)
                and fnmatchcase(case, entry.id if entry.maximum else entry.case)
            ):
                return entry.reason
        return None


# --- reading -----------------------------------------------------------------------------------------------------------


def read(path: Path, cases: Collection[str], requirements: Collection[str]) -> Expectations:
    """Read an expectation file; `cases` and `requirements` are the ids that exist.

    Raises `UsageError` that names the file, the entry and the remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"cannot read the expectation file {path}: {problem}. Correct the path, or leave out --expect."
        ) from None
    return parse(text, str(path), cases, requirements)


def parse(text: str, path: str, cases: Collection[str], requirements: Collection[str]) -> Expectations:
    """The expectations of a file's text; `path` is only for messages. Raises `UsageError` as `read` does."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None
    for key in data:
        if key not in ("format", "expect"):
            raise UsageError(f"{path}: unknown key {key!r}{nearest(key, ('format', 'expect'))}")
    if data.get("format") != FORMAT:
        raise UsageError(
            f"{path}: the file must say format = {FORMAT}, it says {data.get('format', 'nothing')}"
        )
    tables = data.get("expect", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{path}: expect must be written as [[expect]] tables")
    lines = _lines(text, len(tables))
    entries = tuple(
        _Reader(path, number, table, where).entry(cases, requirements)
        for number, (table, where) in enumerate(zip(tables, lines, strict=True), 1)
    )
    _reject_overlaps(path, entries)
    return Expectations(path, entries)


def _lines(text: str, entries: int) -> list[tuple[int, int]]:
    """First and last line of each `[[expect]]`; unknown when the headers found are not as many as the entries."""
    found: list[tuple[int, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*\[\[\s*expect\s*\]\]", line):
            found.append((number, number))
        elif found and line.strip() and not line.lstrip().startswith("#"):
            found[-1] = (found[-1][0], number)
    return found if len(found) == entries else [(0, 0)] * entries


#: Key -> its type, and what to call it in a message.
_KEYS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "id": (str, "a string"),
    "requirement": (str, "a string"),
    "case": (str, "a string"),
    "status": ((str, list), "a status or a list of them"),
    "signature": (str, "a string"),
    "reason": (str, "a string"),
    "issue": (str, "a string"),
    "since": (dt.date, "a date such as 2026-11-02, without quotes"),
    "expires": (dt.date, "a date such as 2026-11-02, without quotes"),
    "run": (bool, "true or false"),
    "max": (int, "a whole number"),
}


@dataclass(frozen=True)
class _Reader:
    """One entry on its way from a TOML table to an `Entry`."""

    path: str
    number: int
    table: dict[str, Any]
    lines: tuple[int, int]

    def wrong(self, problem: str) -> UsageError:
        where = f":{self.lines[0]}" if self.lines[0] else ""
        name = f" ({self.table['id']})" if isinstance(self.table.get("id"), str) else ""
        return UsageError(f"{self.path}{where}: entry {self.number}{name}: {problem}")

    def entry(self, cases: Collection[str], requirements: Collection[str]) -> Entry:
        self._check_types()
        fields = {
            key: value
            for key, value in self.table.items()
            if key not in ("max", "status", "case", "requirement")
        }
        case, requirement = self._subject(cases, requirements)
        return Entry(
            number=self.number,
            case=case,
            requirement=requirement,
            status=self._status(),
            maximum=self.table.get("max", 0),
            lines=self.lines,
            **fields,
        )

    def _check_types(self) -> None:
        for key, value in self.table.items():
            if key not in _KEYS:
                raise self.wrong(f"unknown key {key!r}{nearest(key, _KEYS)}")
            wanted, words = _KEYS[key]
            is_exact = isinstance(value, bool) == (wanted is bool) and not isinstance(value, dt.datetime)
            if not isinstance(value, wanted) or not is_exact:
                raise self.wrong(f"{key} must be {words}")
        for key in ("id", "reason"):
            if not self.table.get(key, "").strip():
                raise self.wrong(
                    f"{key} is missing" + ("; say why this failure is accepted" if key == "reason" else "")
                )

    def _status(self) -> tuple[Status, ...]:
        written = self.table.get("status", "FAIL")
        status = tuple(written) if isinstance(written, list) else (written,)
        for word in status:
            if word not in EXPECTABLE:
                raise self.wrong(f"unknown status {word!r}; one of {', '.join(EXPECTABLE)}")
        if not set(status) - {"PASS"}:
            raise self.wrong("a status other than PASS is needed: what passes needs no entry")
        return status

    def _subject(self, cases: Collection[str], requirements: Collection[str]) -> tuple[str, str]:
        """The case and the requirement that the entry speaks of."""
        name, case, requirement = (
            self.table["id"],
            self.table.get("case", ""),
            self.table.get("requirement", ""),
        )
        for key, value, known in (("case", case, cases), ("requirement", requirement, requirements)):
            if value and value not in known:
                raise self.wrong(f"unknown {key} {value!r}{nearest(value, known)}")
        if set("*?[") & set(name):
            self._check_pattern(name, cases, requirements)
            return case, requirement
        if "max" in self.table:
            raise self.wrong("max goes with a pattern; this id names one subject")
        if name not in cases and name not in requirements:
            raise self.wrong(f"no case or requirement has this id{nearest(name, (*cases, *requirements))}")
        key, other = ("case", "requirement") if name in cases else ("requirement", "case")
        if key in self.table:
            raise self.wrong(f"id is a {key} already; narrow it with {other}")
        if not self.table.get("run", True) and (key == "requirement" or requirement):
            raise self.wrong("run = false concerns a whole case: give its id, without a requirement")
        return (name, requirement) if key == "case" else (case, name)

    def _check_pattern(self, pattern: str, cases: Collection[str], requirements: Collection[str]) -> None:
        if self.table.get("max", 0) < 1:
            raise self.wrong("a pattern needs max = N, the number of cases it may excuse")
        section = pattern.split("/")[1:2]
        if not section or section[0][:1] in ("", "*", "?", "["):
            raise self.wrong(
                "a pattern must at least name a section, such as rfc3501/6.4.*; a whole RFC cannot be excused"
            )
        if not any(fnmatchcase(known, pattern) for known in (*cases, *requirements)):
            raise self.wrong("no case or requirement matches this pattern")


def _reject_overlaps(path: str, entries: Iterable[Entry]) -> None:
    """Two entries for one subject, or one for all of a subject beside one for a part of it, contradict each other."""
    seen: dict[tuple[str, str, str], Entry] = {}
    for entry in entries:
        pattern = entry.id if entry.maximum else ""
        seen_before = seen.setdefault((f"{pattern} {entry.case}", entry.requirement, entry.signature), entry)
        if seen_before is not entry:
            raise UsageError(
                f"{path}: entry {entry.number} ({entry.id}) says the same as entry {seen_before.number}"
            )
    exact = [entry for entry in seen.values() if not entry.maximum]
    for entry in exact:
        for whole in exact:
            part = whole.case in ("", entry.case) and whole.requirement in ("", entry.requirement)
            if whole is not entry and part and whole.signature in ("", entry.signature):
                raise UsageError(
                    f"{path}: entry {entry.number} ({entry.id}) is part of what entry {whole.number} ({whole.id}) excuses; "
                    "keep one of them"
                )


# --- judging -----------------------------------------------------------------------------------------------------------


@dataclass
class _Claim:
    """What was observed of one entry."""

    entry: Entry
    results: list[Result] = field(default_factory=list)
    excused: set[str] = field(default_factory=set)

    @property
    def surpassed(self) -> bool:
        """Every observed result is better than the entry says."""
        better = (*GOOD, *(() if "WARN" in self.entry.status else ("WARN",)))
        return (
            not self.entry.flaky
            and bool(self.results)
            and all(result.status in better for result in self.results)
        )


def gate(
    results: Sequence[Result], expectations: Expectations, today: dt.date, *, strict: bool = False
) -> list[Gate]:
    """What the expectations make of the results: one gate per result that an entry or a failure concerns.

    An entry that every observed result surpasses gives one `unexpected-pass`, at its first result; an entry of which nothing
    was observed gives one `unobserved` or `not-run` gate that bears the entry's own id.
    """
    claims = [_Claim(entry) for entry in expectations.entries]
    pairs = [(result, _assign(result, claims)) for result in results if result.status not in SILENT]
    surpassed = {id(claim) for claim in claims if claim.surpassed and not claim.entry.expired(today)}
    gates: list[Gate] = []
    for result, claim in pairs:
        if claim and id(claim) in surpassed:
            continue
        found = _judge(result, claim, today, strict=strict)
        if found:
            gates.append(
                Gate(result.id, result.requirement, found[0], found[1], _issue(claim), result.signature)
            )
    for claim in claims:
        entry = claim.entry
        if id(claim) in surpassed:
            first = claim.results[0]
            reason = f"expected {_words(entry)}: {_removal(entry, expectations.path)}"
            gates.append(
                Gate(first.id, first.requirement, "unexpected-pass", reason, entry.issue, first.signature)
            )
        elif not claim.results:
            state: GateState = "unobserved" if entry.run or entry.expired(today) else "not-run"
            gates.append(Gate(entry.case or entry.id, entry.requirement, state, entry.reason, entry.issue))
    return gates


def _assign(result: Result, claims: Sequence[_Claim]) -> _Claim | None:
    """The claim that decides on a result; all of the most specific entries that cover it have been observed by it."""
    covering = [claim for claim in claims if claim.entry.covers(result)]
    if result.status not in GOOD:
        fitting = [claim for claim in covering if claim.entry.signature in ("", result.signature)]
        # Several findings of one always-on check live side by side: another signature is another finding, not a change.
        covering = fitting or ([] if result.always_on else covering)
    best = max((claim.entry.rank for claim in covering), default=0)
    covering = [claim for claim in covering if claim.entry.rank == best]
    for claim in covering:
        claim.results.append(result)
    return covering[0] if covering else None


def _judge(
    result: Result, claim: _Claim | None, today: dt.date, *, strict: bool
) -> tuple[GateState, str] | None:
    """State and reason of one result under the entry that claims it; None: as expected without further words."""
    gating = result.status != "WARN" or strict
    if claim is None:
        return ("new", "") if gating and result.status not in GOOD else None
    entry = claim.entry
    if result.status in GOOD:
        return ("tolerated", entry.reason) if entry.flaky and not entry.expired(today) else None
    if entry.expired(today):
        return ("expired", f"the entry expired on {entry.expires}: {entry.reason}") if gating else None
    listed = result.status in entry.status or (entry.flaky and result.status in ("FLAKY", "WARN"))
    if not listed or entry.signature not in ("", result.signature):
        seen = f"{result.status} {result.signature}".rstrip()
        return ("changed", f"expected {_words(entry)}, now {seen}") if gating else None
    if entry.maximum and result.id not in claim.excused and len(claim.excused) >= entry.maximum:
        return (
            ("new", f"entry {entry.number} may excuse {entry.maximum} cases and has done so")
            if gating
            else None
        )
    claim.excused.add(result.id)
    return ("tolerated" if entry.flaky else "known", entry.reason)


def _issue(claim: _Claim | None) -> str:
    return claim.entry.issue if claim else ""


def _words(entry: Entry) -> str:
    since = f" since {entry.since}" if entry.since else ""
    return f"{' or '.join(entry.status)} {entry.signature}".rstrip() + f"{since} ({entry.reason})"


def _removal(entry: Entry, path: str) -> str:
    first, last = entry.lines
    return f"delete lines {first}-{last} of {path}" if first else f"delete entry {entry.number} of {path}"


def exit_code(
    results: Sequence[Result], gates: Sequence[Gate], *, interrupted: bool = False, lost: str = ""
) -> tuple[int, str]:
    """Exit code of a finished run and the reason in one line, by the precedence 3, 2, 6, 1, 5, 0.

    `lost` says why the server could not be tested to the end. Code 4 is never reached from here: nothing was sent.
    """
    errors = sum(result.status == "ERROR" for result in results)
    cases = [result for result in results if not result.always_on]
    observed = [result for result in results if result.status not in SILENT]
    blocked = sum(result.status == "BLOCKED" for result in cases)
    unexpected = ", ".join(
        _count(number, *words)
        for state, words in UNEXPECTED.items()
        if (number := sum(found.state == state for found in gates))
    )
    if errors:
        return 3, _count(errors, "error of the suite itself", "errors of the suite itself")
    if interrupted:
        return 2, "interrupted, the results are incomplete"
    if lost:
        return 6, lost
    if blocked and all(result.status in SILENT for result in cases):
        return (
            6,
            f"the set-up failed everywhere: {_count(blocked, 'result', 'results')} blocked, none reached",
        )
    if unexpected:
        return 1, unexpected
    if not observed:
        return 5, "everything was skipped" if results else "nothing was selected"
    known = sum(found.state in ("known", "tolerated") for found in gates)
    as_expected = f"{_count(len(observed), 'result', 'results')} as expected"
    return 0, as_expected + (f", of which {known} excused" if known else "")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


# --- writing -----------------------------------------------------------------------------------------------------------


def render(results: Iterable[Result]) -> str:
    """A file that expects the failures among these results, each with `reason = "TODO"`."""
    blocks = [f"format = {FORMAT}\n"]
    for result in results:
        if result.status in EXPECTABLE and result.status not in GOOD:
            subject = (
                {"id": result.requirement}
                if result.always_on
                else {"id": result.id, "requirement": result.requirement}
            )
            fields = {**subject, "status": result.status, "signature": result.signature, "reason": "TODO"}
            written = (
                f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items() if value
            )
            blocks.append("[[expect]]\n" + "".join(written))
    return "\n".join(blocks)
