"""Synthetic journals: every status and every gate state once, in a run that could have happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.catalogue import Requirement
from conformance.journal import (
    Case,
    Finding,
    Footer,
    Gate,
    GateState,
    Header,
    Journal,
    Level,
    Result,
    Status,
    Step,
    Tally,
    Trouble,
)

if TYPE_CHECKING:
    from typing import Any, Literal

REQUIREMENTS = {
    requirement.id: requirement
    for requirement in (
        Requirement(
            "rfc3501/2.3.1.1/uid-ascending",
            "MUST",
            "Messages that come later into a mailbox have greater UIDs than those that were there before.",
        ),
        Requirement(
            "rfc3501/6.1.2/news-of-others", "SHOULD", "A polling NOOP tells what other sessions changed."
        ),
        Requirement(
            "rfc3501/6.2.1/starttls-discards-plaintext",
            "MUST",
            "Commands that were sent in clear are not executed after the TLS handshake.",
        ),
        Requirement(
            "rfc3501/6.3.1/failed-select-deselects",
            "MUST",
            "When SELECT fails, the mailbox that was selected before is no longer selected.",
            "The old mailbox is kept until the new one was opened.",
        ),
        Requirement("rfc3501/6.3.1/uidnext", "MUST", "A successful SELECT tells UIDNEXT."),
        Requirement("rfc3501/6.3.3/trailing-delimiter", "MUST", "CREATE ignores a trailing delimiter."),
        Requirement("rfc3501/6.3.9/lsub-percent", "MUST", "LSUB with % names the parent of what is subscribed."),
        Requirement("rfc3501/6.3.11/trycreate", "SHOULD", "APPEND to a missing mailbox is refused with TRYCREATE."),
        Requirement("rfc3501/6.3.11/large-literal", "MUST", "A literal of 64 MiB is stored or refused."),
        Requirement("rfc3501/6.4.4/date-disregards-zone", "MUST", "SEARCH ON compares the date as stored."),
        Requirement("rfc3501/6.4.5/partial", "MUST", "A partial fetch that begins behind the end gives an empty string."),
        Requirement("rfc3501/6.4.6/silent", "SHOULD", ".SILENT keeps the untagged FETCH back."),
        Requirement("rfc2180/3.1/delete-in-use", "MAY", "What happens to a session whose mailbox is deleted."),
        Requirement("rfc2177/3/idle-exists", "MUST", "IDLE tells new messages as they come."),
        Requirement(
            "rfc3501/7.4.1/no-expunge-during-fetch",
            "MUST",
            "No EXPUNGE response is sent while FETCH, STORE or SEARCH is in progress.",
            "Pending expunges are flushed before every tagged response.",
        ),
        Requirement("rfc3501/9/response-syntax", "MUST", "Every response follows the formal syntax."),
    )
}  # fmt: skip

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\x00\x07\x1b[2J\x7f\x85\x9b\xe9\u202e\ud800```{{ 7*7 }}&amp;'
NASTY = 'ExampleIMAPd <script>alert("1")</script> \x1b[31m\x00\x9b \xe9 ready'


def builder() -> Builder:
    """A journal with a header only."""
    return Builder(
        Journal(
            Header(
                tool="1.0",
                command=("run", "imap://127.0.0.1:1143", "-u", "alice:********", "rfc3501"),
                target="imap://127.0.0.1:1143",
                seed=1,
                started="2026-11-24T17:21:06Z",
                greeting="* OK [CAPABILITY IMAP4rev1 STARTTLS IDLE NAMESPACE UIDPLUS] " + NASTY,
                capabilities=("IMAP4rev1", "STARTTLS", "IDLE", "NAMESPACE", "UIDPLUS"),
                accounts=2,
                server="ExampleIMAPd 3.1",
                workers=2,
                selection=("rfc3501",),
            )
        )
    )


class Builder:
    """Adds records in the order in which a run writes them."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def case(
        self,
        case: str,
        requirement: str,
        status: Status,
        *lines: str,
        level: Level = "MUST",
        gate: GateState | None = None,
        problem: dict[int, Trouble] | None = None,
        attempt: int = 1,
        gate_reason: str = "",
        issue: str = "",
        **fields: Any,
    ) -> Builder:
        """A case with one result. A line is `A C: octets`, `A S: octets` or `A -: kind words`."""
        title = fields.pop("title", case.rsplit("/", 1)[-1].replace("-", " ").capitalize())
        source = f"title: {title}\nproves: {requirement}\nstate: selected\n\n" + "".join(
            f"{line[2:4]} {line.partition(': ')[2]}\n" for line in lines if line[2] in "CS"
        )
        self.journal.cases.append(
            Case(case, title, f"scenarios/{case}.imap", source, (requirement,), attempt)
        )
        for number, line in enumerate(lines, 1):
            self.journal.steps.append(_step(case, attempt, number, line, (problem or {}).get(number)))
        self.journal.tallies.append(Tally(case, attempt, 0.004 + 0.003 * len(lines), {}))
        return self.result(
            Result(case, requirement, level, status, attempt=attempt, **fields),
            gate=gate,
            gate_reason=gate_reason,
            issue=issue,
        )

    def result(
        self, result: Result, *, gate: GateState | None = None, gate_reason: str = "", issue: str = ""
    ) -> Builder:
        """A result, with its gate if there is one."""
        self.journal.results.append(result)
        if gate:
            self.journal.gates.append(
                Gate(result.id, result.requirement, gate, gate_reason, issue, result.signature)
            )
        return self

    def finish(self, code: int, reason: str, **fields: Any) -> Journal:
        """The whole journal."""
        self.journal.footer = Footer(code, reason, "2026-11-24T17:21:44Z", 38.2, **fields)
        return self.journal


def _step(case: str, attempt: int, number: int, line: str, problem: Trouble | None) -> Step:
    kinds: dict[str, Literal["send", "receive"]] = {"C": "send", "S": "receive"}
    side, octets = line[2], line.partition(": ")[2]
    state = "selected" if number > 2 else "authenticated"
    time = 0.0007 * number + (1.2 if side == "-" else 0.0)
    if side in kinds:
        return Step(
            case, attempt, number, line[0], kinds[side], time, state, octets + "\r\n", number, "", problem
        )
    kind, _, note = octets.partition(" ")
    return Step(case, attempt, number, line[0], kind, time, state, note=note)  # type: ignore[arg-type]


_FETCH = r"A S: * 1 FETCH (FLAGS (\Seen) UID 4)"


def sample() -> Journal:
    """Every status and every gate state."""
    run = builder()
    for slug in ("ascending", "ascending-after-copy", "persists"):
        run.case(
            f"rfc3501/2.3.1.1-uid/{slug}",
            "rfc3501/2.3.1.1/uid-ascending",
            "PASS",
            "A C: a1 NOOP",
            "A S: a1 OK done",
        )
    run.case(
        "rfc3501/7.4.1-expunge/no-expunge-during-fetch", "rfc3501/7.4.1/no-expunge-during-fetch", "FAIL",
        "A C: a4 SELECT imapspec-q7/box", "A S: * 4 EXISTS", "A S: a4 OK [READ-WRITE] selected",
        r"B C: b5 STORE 2 +FLAGS.SILENT (\Deleted)", "B S: b5 OK done", "B C: b6 EXPUNGE", "B S: * 2 EXPUNGE", "B S: b6 OK done",
        "A C: a5 FETCH 1 (FLAGS)", _FETCH, "A S: * 2 EXPUNGE", "A S: a5 OK FETCH completed",
        gate="new", steps=(11, 11), line=12, signature="rfc3501/7.4.1/no-expunge-during-fetch:12:EXPUNGE",
        message="An EXPUNGE response came while FETCH was in progress.", expected='no "* n EXPUNGE" before the tagged response',
        actual="* 2 EXPUNGE", title="EXPUNGE is not reported while FETCH is in progress",
    )  # fmt: skip
    run.case(
        "rfc3501/6.3.1-select/failed-select-deselects", "rfc3501/6.3.1/failed-select-deselects", "FAIL",
        "A C: a4 SELECT no-such", "A S: a4 NO no such mailbox", "A C: a5 FETCH 1 (FLAGS)", _FETCH, "A S: a5 OK done",
        gate="changed", gate_reason="expected FAIL step:3:timeout since 2026-11-02 (kept open), now FAIL step:3:OK",
        steps=(4, 5), line=9, signature="step:3:OK", expected="NO | BAD", actual="a5 OK done",
    )  # fmt: skip
    run.case(
        "rfc3501/6.3.9-lsub/lsub-percent", "rfc3501/6.3.9/lsub-percent", "PASS", "A C: a4 NOOP", "A S: a4 OK done",
        gate="unexpected-pass", gate_reason="expected FAIL since 2026-08-02 (no parent): delete lines 31-36 of expected.toml",
    )  # fmt: skip
    run.case(
        "rfc3501/6.3.3-create/trailing-delimiter", "rfc3501/6.3.3/trailing-delimiter", "FAIL",
        "A C: a4 CREATE x/", "A S: a4 BAD what?", gate="expired", gate_reason="the entry expired on 2026-10-31: no folders",
        steps=(2, 2), expected="OK", actual="a4 BAD what?", signature="step:5:BAD",
    )  # fmt: skip
    run.case(
        "rfc3501/6.3.11-append/large-literal", "rfc3501/6.3.11/large-literal", "CRASH",
        "A C: a4 APPEND x {67108864}", "A S: + go ahead", "A -: end reset by peer",
        gate="new", steps=(3, 3), log="Panic: file mail.c: line 7\nFatal: \x1b[31mchild killed", message="The server died.",
        expected="OK or NO", actual="the connection was reset", signature="crash:append",
    )  # fmt: skip
    run.case(
        "rfc3501/6.4.4-search/date-disregards-zone", "rfc3501/6.4.4/date-disregards-zone", "TIMEOUT",
        "A C: a4 SEARCH ON 7-Feb-1994", "A -: silence 2 s", gate="known", gate_reason="the index is rebuilt first",
        issue="https://example.org/bugs/812", steps=(2, 2), signature="timeout:SEARCH", expected="OK", actual="nothing",
    )  # fmt: skip
    run.case(
        "rfc3501/6.4.5-fetch/partial", "rfc3501/6.4.5/partial", "FAIL",
        "A C: a4 FETCH 1 BODY[]<9999.1>", "A S: * 1 FETCH (BODY[]<9999> NIL)", "A S: a4 OK done",
        gate="tolerated", gate_reason="TODO", steps=(2, 2), signature="step:7:NIL", expected='""', actual="NIL",
    )  # fmt: skip
    run.case(
        "rfc2177/3-idle/idle-exists", "rfc2177/3/idle-exists", "FLAKY", "A C: a4 IDLE", "A S: + idling", "A -: silence 2 s",
        gate="new", gate_reason="failed once, then passed", steps=(3, 3), expected="* 1 EXISTS", actual="nothing",
    )  # fmt: skip
    run.case(
        "rfc3501/6.3.11-append/trycreate", "rfc3501/6.3.11/trycreate", "WARN", "A C: a4 APPEND x {3}", "A S: a4 NO no such mailbox",
        level="SHOULD", steps=(2, 2), expected="NO [TRYCREATE]", actual="a4 NO no such mailbox", signature="step:4:NO",
    )  # fmt: skip
    run.case(
        "rfc3501/6.4.6-store/silent", "rfc3501/6.4.6/silent", "WARN", r"A C: a4 STORE 1 FLAGS.SILENT (\Seen)", _FETCH, "A S: a4 OK",
        level="SHOULD", gate="known", gate_reason="by design: our clients rely on it", steps=(2, 2), expected="no FETCH", actual=_FETCH,
    )  # fmt: skip
    run.case(
        "rfc2180/3.1-delete/delete-in-use", "rfc2180/3.1/delete-in-use", "INFO", "B C: b1 DELETE x", "B S: b1 OK",
        level="MAY", values=("deleted at once", "session goes on"),
    )  # fmt: skip
    run.result(
        Result(
            "rfc3501/6.2.1-starttls/plaintext",
            "rfc3501/6.2.1/starttls-discards-plaintext",
            "MUST",
            "SKIP",
            reason="no-capability:STARTTLS",
        )
    )
    run.result(
        Result(
            "rfc3501/6.1.2-noop/news",
            "rfc3501/6.1.2/news-of-others",
            "SHOULD",
            "SKIP",
            reason="needs-second-account",
        )
    )
    run.case("rfc3501/6.3.1-select/uidnext", "rfc3501/6.3.1/uidnext", "BLOCKED", "A C: a3 CREATE x", "A S: a3 NO quota", reason="setup:created", message="CREATE was refused")  # fmt: skip
    run.case(
        "rfc3501/6.3.1-select/uidnext-later",
        "rfc3501/6.3.1/uidnext",
        "ERROR",
        "A C: a3 CREATE x",
        message="KeyError: 'x'",
    )
    _finding(run)
    run.journal.gates.append(Gate("rfc3501/6.4.7-copy/huge", "", "not-run", "kills the shared server"))
    run.journal.gates.append(Gate("", "rfc3501/6.1.1/capability", "unobserved", "no IMAP4rev1 before login"))
    return run.finish(3, "1 error of the suite itself")


def _finding(run: Builder) -> None:
    """A case that passes, in which the grammar found something; and its counted result."""
    line = "* 3 FETCH (FLAGS (\\Seen) UID )"
    trouble = Trouble("uniqueid", 29, ("a digit from 1 to 9",), '")"')
    case, requirement = "rfc3501/2.3.1.1-uid/after-expunge", "rfc3501/9/response-syntax"
    run.case(
        case, "rfc3501/2.3.1.1/uid-ascending", "PASS", "A C: a5 FETCH 3 (UID)", f"A S: {line}", "A S: a5 OK done",
        problem={2: trouble},
    )  # fmt: skip
    signature = f"{requirement}:uniqueid"
    run.journal.findings.append(Finding(case, 1, requirement, signature, 2, "a number that is not 0", line))
    run.result(
        Result(
            case, requirement, "MUST", "FAIL", "The response breaks the formal syntax.", "a number that is not 0", line,
            (2, 2), signature, count=7, places=(case, "rfc3501/6.4.5-fetch/partial"), always_on=True,
        ),
        gate="new",
    )  # fmt: skip


def many(cases: int, status: Status) -> Journal:
    """A long run in which every case ends with `status`, each with a transcript of sixty lines."""
    run = builder()
    lines = [
        f"A {side}: a{n} some octets of a usual length, as a server sends" for n in range(30) for side in "CS"
    ]
    for number in range(cases):
        section = f"6.{1 + number % 4}.{1 + number % 8}"
        run.case(
            f"rfc3501/{section}-topic/case-{number}", f"rfc3501/{section}/demand-{number}", status, *lines, steps=(40, 42),
            gate="new" if status == "FAIL" else None, expected="something else", actual="some octets", message="It differs.",
        )  # fmt: skip
    return run.finish(int(status == "FAIL"), f"{cases} results")


def hostile() -> Journal:
    """Whatever can come from a server, an operator or a scenario is hostile."""
    run = builder()
    run.case(
        "rfc3501/9-syntax/hostile", "rfc3501/9/response-syntax", "FAIL", f"A C: a1 {HOSTILE}".replace("\u202e\ud800", ""),
        f"A S: * OK {HOSTILE}".replace("\u202e\ud800", ""), f"A -: end {HOSTILE}", gate="changed", gate_reason=HOSTILE,
        issue="javascript:alert(3)", steps=(2, 2), signature=HOSTILE, expected=HOSTILE, actual=HOSTILE, message=HOSTILE,
        log=HOSTILE, title=HOSTILE, problem={2: Trouble(HOSTILE, 9, (HOSTILE,), HOSTILE)},
    )  # fmt: skip
    run.result(
        Result("rfc3501/9-syntax/" + HOSTILE, "rfc3501/9/" + HOSTILE, "MAY", "INFO", values=(HOSTILE,))
    )
    run.result(Result("rfc3501/9-syntax/s", HOSTILE, "MUST", "SKIP", reason=HOSTILE))
    journal = run.finish(1, HOSTILE, error=HOSTILE)
    journal.header = Header(HOSTILE, (HOSTILE,), HOSTILE, 1, HOSTILE, HOSTILE, (HOSTILE,), server=HOSTILE)
    return journal
