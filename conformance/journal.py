"""What happened, as frozen dataclasses <-> JSON lines (`run.jsonl`).

The run is an append-only stream: one header, then `case`, `step`, `tally`, `finding` and `result` records as they happen, then the
`gate` records that compare the results with what was expected, then one footer. Every report is a fold over this stream.
A stream without a footer is truncated; readers say so and nothing is gated by it.

Knows: the records and their JSON form. Must not know: sockets, pytest, how a verdict is reached.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

FORMAT = 1

Status = Literal["PASS", "FAIL", "WARN", "INFO", "SKIP", "BLOCKED", "CRASH", "TIMEOUT", "FLAKY", "ERROR"]
Level = Literal["MUST", "SHOULD", "MAY"]
GateState = Literal[
    "new", "changed", "unexpected-pass", "expired", "known", "tolerated", "unobserved", "not-run"
]

#: Statuses that say the server (or we) did not do what was asked, worst first.
BAD_STATUSES: tuple[Status, ...] = ("ERROR", "CRASH", "TIMEOUT", "FAIL", "FLAKY")


@dataclass(frozen=True)
class Header:
    """The first record: what was run against what."""

    tool: str  #: version of imapspec
    command: tuple[str, ...]  #: arguments, secrets replaced
    target: str  #: address or name of the server, without secrets
    seed: int
    started: str  #: ISO 8601, UTC
    greeting: str = ""  #: latin-1, without CRLF
    capabilities: tuple[str, ...] = ()
    accounts: int = 1
    root: str = ""  #: what the name of every new mailbox has to begin with
    delimiter: str | None = None  #: of the hierarchy of mailboxes; None: flat
    server: str = ""  #: what is known of the product and version, e.g. "dovecot 2.3.19.1"
    workers: int = 1
    selection: tuple[str, ...] = ()  #: the IDS given by the user
    format: int = FORMAT


@dataclass(frozen=True)
class Case:
    """A case begins: a scenario file is about to be played, for the `attempt`-th time."""

    id: str  #: path of the scenario without its ending
    title: str
    path: str  #: file, for the reader
    source: str  #: the scenario's text
    proves: tuple[str, ...]  #: requirement ids
    attempt: int = 1


@dataclass(frozen=True)
class Cut:
    """What was left out of a long step, or of many: the whole length in octets, and of one step the SHA-256 of the whole."""

    length: int
    sha256: str


@dataclass(frozen=True)
class Trouble:
    """A grammar problem of one response: the deepest rule, the octet offset and what was expected there, in words."""

    rule: str
    offset: int
    expected: tuple[str, ...]
    found: str


@dataclass(frozen=True)
class Step:
    """One event on one connection. `octets` is latin-1 text; secrets are replaced before writing.

    `kind`: "connect", "send", "receive" (one whole response), "end" (the server closed: `note` says how), "close" (we closed),
    "tls" (the connection is encrypted from here on), "silence" (nothing came until the deadline).
    """

    case: str
    attempt: int
    n: int  #: counts from 1 within the case and attempt
    connection: str  #: "A", "B", ...
    kind: Literal["connect", "send", "receive", "end", "close", "tls", "silence"]
    time: float  #: seconds since the start of the case
    state: str  #: what our model believes of the connection: "not authenticated", "selected", ...
    octets: str = ""
    line: int = 0  #: line of the scenario that caused a "send"; 0: set-up or none
    note: str = ""
    problem: Trouble | None = None
    cut: Cut | None = None
    together: bool = False  #: of a response: it came in one read with the one before


@dataclass(frozen=True)
class Tally:
    """A play of a case has ended: how long it took, and how often each always-on requirement was put to the test."""

    case: str
    attempt: int
    duration: float  #: seconds
    asked: dict[str, int]


@dataclass(frozen=True)
class Finding:
    """An always-on check or the grammar found something, in whatever case. Raw: not yet counted once per run."""

    case: str
    attempt: int
    requirement: str
    signature: str
    step: int  #: number of the step that shows it, 0 if none does
    expected: str
    actual: str
    count: int = 1  #: more than 1: so often after the first ones, which have records of their own


@dataclass(frozen=True)
class Result:
    """One verdict: of a case on one requirement it proves, or (with `places`) of an always-on requirement over the run."""

    id: str  #: the case, or where a finding was first seen
    requirement: str
    level: Level
    status: Status
    message: str = ""
    expected: str = ""  #: all accepted outcomes
    actual: str = ""
    steps: tuple[int, int] | None = None  #: first and last step number that show it
    signature: str = ""  #: identity of a failure; never text or numbers of one run
    reason: str = ""  #: machine-readable reason of SKIP and BLOCKED, e.g. "no-capability:IDLE"
    values: tuple[str, ...] = ()  #: survey values of INFO outcomes
    log: str = ""  #: tail of the server's log, for CRASH and TIMEOUT
    attempt: int = 1
    line: int = 0  #: line of the scenario that decided
    count: int = 1  #: of findings: how often in the run
    places: tuple[str, ...] = ()  #: of findings: every case where it occurred
    always_on: bool = False  #: verdict of an always-on check, not of a case


@dataclass(frozen=True)
class Gate:
    """What the expectation file makes of one result; results without a gate are as expected."""

    id: str
    requirement: str
    state: GateState
    reason: str = ""  #: the entry's reason (judgement), or what to do
    issue: str = ""
    signature: str = ""  #: of the result: always-on findings may share case and requirement


@dataclass(frozen=True)
class Footer:
    """The last record: how the run ended."""

    exit_code: int
    reason: str  #: why this exit code
    finished: str  #: ISO 8601, UTC
    duration: float  #: seconds
    complete: bool = True  #: False: interrupted or the server was lost; results are what was learnt so far
    error: str = ""  #: message of the error that ended the run early


Record = Header | Case | Step | Tally | Finding | Result | Gate | Footer

_KINDS: dict[str, type[Any]] = {
    "header": Header, "case": Case, "step": Step, "tally": Tally, "finding": Finding, "result": Result, "gate": Gate, "footer": Footer,
}  # fmt: skip
_NAMES = {cls: name for name, cls in _KINDS.items()}
#: For each kind of record, its fields with what is left out of a line. The format is never left out.
_DEFAULTS = {
    cls: {
        spec.name: dataclasses.MISSING if spec.name == "format" else spec.default
        for spec in dataclasses.fields(cls)
    }
    for cls in _NAMES
}
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def encode(record: Record) -> str:
    """One JSON line (without line end); fields that hold their default are left out."""
    data: dict[str, Any] = {"record": _NAMES[type(record)]}
    for name, default in _DEFAULTS[type(record)].items():
        value = getattr(record, name)
        if value != default:
            data[name] = dataclasses.asdict(value) if isinstance(value, Trouble | Cut) else value
    return _ENCODER.encode(data)


def decode(line: str) -> Record:
    """The record of one JSON line.

    Raises `ValueError` for what is not a record of this format; unknown fields are ignored (newer writers may add some).
    """
    data = json.loads(line)
    try:
        cls = _KINDS[data.pop("record")]
    except (KeyError, TypeError, AttributeError):
        raise ValueError("not a journal record") from None
    known = _DEFAULTS[cls]
    values: dict[str, Any] = {name: _tuples(value) for name, value in data.items() if name in known}
    try:
        for name, part in (("problem", Trouble), ("cut", Cut)):
            if name in values:
                values[name] = part(**{key: _tuples(value) for key, value in values[name].items()})
        record: Record = cls(**values)
    except TypeError as error:
        raise ValueError(str(error)) from None
    return record


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass
class Journal:
    """A whole run, read back."""

    header: Header
    cases: list[Case] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    gates: list[Gate] = field(default_factory=list)
    footer: Footer | None = None

    def plays(self) -> dict[tuple[str, int], list[Step]]:
        """The steps of each play (case and attempt), in order."""
        found: dict[tuple[str, int], list[Step]] = {}
        for step in self.steps:
            found.setdefault((step.case, step.attempt), []).append(step)
        return found


#: Where a journal keeps the records of each kind.
_LISTS: dict[type[Any], str] = {
    Case: "cases", Step: "steps", Tally: "tallies", Finding: "findings", Result: "results", Gate: "gates",
}  # fmt: skip


def read(path: Path, *, allow_truncated: bool = False) -> Journal:
    """Read a journal.

    Raises `UsageError` when the file is missing, is not a journal, has another format, or has no footer (unless allowed).
    """
    try:
        with path.open(encoding="utf-8") as lines:
            return _collect(lines, path, allow_truncated=allow_truncated)
    except OSError as error:
        raise UsageError(
            f"cannot read the journal {path}: {error.strerror}. Give the run.jsonl of a run."
        ) from None


def _collect(lines: Iterable[str], path: Path, *, allow_truncated: bool) -> Journal:
    journal: Journal | None = None
    for number, line in enumerate(lines, 1):
        try:
            record = decode(line)
        except ValueError as error:
            if allow_truncated and journal is not None:
                break
            raise UsageError(
                f"{path}:{number}: not a journal record ({error}). Give the run.jsonl of a run."
            ) from None
        if journal is None:
            if not isinstance(record, Header) or record.format != FORMAT:
                raise UsageError(
                    f"{path}: not a journal of format {FORMAT}. Run again with this version of imapspec."
                )
            journal = Journal(record)
            continue
        if isinstance(record, Header):
            raise UsageError(
                f"{path}:{number}: a second header; two journals were joined. Use one run's file."
            )
        if isinstance(record, Footer):
            journal.footer = record
        else:
            getattr(journal, _LISTS[type(record)]).append(record)
    if journal is None:
        raise UsageError(f"{path}: empty. Give the run.jsonl of a run.")
    if journal.footer is None and not allow_truncated:
        raise UsageError(
            f"{path}: no footer, the run was cut off. Run again, or read it with --allow-truncated."
        )
    return journal


#: Longer octets than this are cut in the journal: a run whose messages are shorter can be replayed offline.
CUT_AT = 65_536


def cut(octets: bytes) -> tuple[str, Cut | None]:
    """Octets as the latin-1 text of a step; long ones keep both ends, with length and hash of the whole."""
    if len(octets) <= CUT_AT:
        return octets.decode("latin-1"), None
    half = CUT_AT // 2
    shown = octets[:half] + b" [...] " + octets[-half:]
    return shown.decode("latin-1"), Cut(len(octets), hashlib.sha256(octets).hexdigest())


def write(path: Path, records: Iterable[Record]) -> None:
    """Write records to a new file (tests and merging; a run appends as it goes)."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(encode(record) + "\n" for record in records)


def parts(path: Path, offset: int = 0) -> Iterator[tuple[int, Record]]:
    """The records of a worker's part file (no header, no footer) from an offset on, each with its own.

    A half-written last line is dropped.
    """
    with path.open("rb") as lines:
        lines.seek(offset)
        for line in lines:
            if line.endswith(b"\n"):
                yield offset, decode(line.decode("utf-8"))
            offset += len(line)
