"""Servers that mean ill cost one verdict each, within the deadline and little memory, and the run goes on or ends with 6.

What they do is in `hostile_servers`. With IMAPSPEC_EXHAUSTIVE set, each attack meets the program at each point.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import calls
import hostile_servers as hostile
import peers
import plays
import pytest
from faults import WALK
from miniature import ACCOUNTS, Miniature, right

from conformance import grammar
from conformance import report as reports
from conformance.recording import Recording
from conformance.runner.client import Play
from conformance.runner.player import Player
from conformance.runner.recorder import Unrecorded
from conformance.runner.settings import Settings
from conformance.runner.setup import Probe
from conformance.transport import SILENCE, Ended

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from miniature import Command, Reply

    from conformance.journal import Journal, Step
    from conformance.scenario.syntax import Scenario
    from conformance.transport import Silence

EXHAUSTIVE = bool(os.environ.get("IMAPSPEC_EXHAUSTIVE"))

#: Seconds for one answer.
TIMEOUT = 0.25
#: Deadlines that one play of a case can come to: its own command, the last NOOP, the look whether the server is still there.
WAITS = 3
#: MB that the program may take at its peak.
MEMORY = 200

ACCOUNT = ["-u", ":".join(next(iter(ACCOUNTS.items())))]
CASE = "rfc3501/6.1.2-noop/before-login"

#: The program, which says at its end how much memory it took. (What `wait4` tells of a child begins with its parent's.)
_PROGRAM = """\
import sys
from conformance.cli import main
code = main()
sys.stdout.flush()
with open("/proc/self/status") as status:
    print(*[line for line in status if line.startswith("VmHWM")], sep="", end="", file=sys.stderr)
sys.exit(code)
"""

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the peak of the memory is read from /proc")


class Ran(NamedTuple):
    """How a program ended."""

    code: int
    said: str
    seconds: float
    memory: float  #: MB at the peak


def run(*words: str | Path, folder: Path, patience: float = 0.0) -> Ran:
    """Call the command in a process of its own; it has this many seconds besides those that any call may take."""
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _PROGRAM, *map(str, words)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        out, err = process.communicate(timeout=calls.SOON + patience)
    finally:
        process.kill()
        process.wait()
    said, _, peak = err.rpartition("VmHWM:")
    return Ran(process.returncode, out + said, time.monotonic() - begun, int(peak.split()[0]) / 1024)


def check_reports(folder: Path, code: int) -> Journal:
    """The journal can be read, and all reports were written."""
    told = calls.report(folder)
    assert told.footer is not None
    assert told.footer.exit_code == code
    for name in reports.FILES:
        assert (folder / name).stat().st_size > 0
    return told


# ---- in the middle of a case --------------------------------------------------------------------------------------------

_SCENARIO = """\
title: {title}
proves: rfc3501/6.3.3/creates
state: authenticated

C: CREATE ${{prefix}}-attack{number}
S: OK
"""

_TWO = """\
title: {title}, on one of two connections
proves: rfc3501/6.3.3/creates
state: authenticated
connections: A B

A C: NOOP
A S: OK
B C: CREATE ${{prefix}}-attack{number}
B S: OK
A C: NOOP
A S: OK
"""

#: Attacks after which the connection is gone; all others are waited for.
GONE = ("close", "reset")


def write_scenarios(folder: Path, names: Iterable[str], text: str = _SCENARIO) -> None:
    """A case for each attack."""
    for number, name in enumerate(hostile.ATTACKS):
        if name in names:
            (folder / f"{number:02}.imap").write_text(text.format(title=f"After {name}", number=number))


@on_linux
def test_every_attack_costs_one_verdict_and_the_run_goes_on(tmp_path: Path) -> None:
    own = tmp_path / "own"
    for folder, text, names in (
        ("one", _SCENARIO, list(hostile.ATTACKS)),
        ("two", _TWO, ["close", "a literal of 4 GiB", "untagged lines without an end"]),
    ):
        (own / folder).mkdir(parents=True)
        write_scenarios(own / folder, names, text)
    (own / "two" / "last.imap").write_text(
        "title: The server is as it was\nproves: rfc3501/6.1.2/always-succeeds\nstate: authenticated\n\nC: NOOP\nS: OK\n"
    )
    cases = len(hostile.ATTACKS) + 3 + 1
    with Miniature(hostile.by_number) as server:
        ran = run(
            "run", *calls.target(server), "--scenarios", "own", "one", "two", "--timeout", str(TIMEOUT),
            folder=tmp_path, patience=2 * cases * WAITS * TIMEOUT,
        )  # fmt: skip
    assert ran.code == 1, ran.said
    assert "Traceback" not in ran.said
    told = check_reports(tmp_path / "imapspec-report", 1)
    numbers = {f"{number:02}": name for number, name in enumerate(hostile.ATTACKS)}
    verdicts = {result.id: result.status for result in told.results if not result.always_on}
    assert verdicts == {
        f"one/{number}": "FAIL" if name in GONE else "TIMEOUT" for number, name in numbers.items()
    } | {
        f"two/{number}": "FAIL" if name in GONE else "TIMEOUT"
        for number, name in numbers.items()
        if name in ("close", "a literal of 4 GiB", "untagged lines without an end")
    } | {"two/last": "PASS"}  # fmt: skip
    assert ran.memory < MEMORY
    # None of our own limits is a fault of the server, and no connection that we gave up is one that it closed.
    assert not [
        finding for finding in told.findings if "at most" in finding.expected and "octets" in finding.expected
    ]
    ended = {
        case
        for step in told.steps
        if step.kind == "end" and step.note.startswith("limit")
        for case in [step.case]
    }
    assert (
        not {finding.case for finding in told.findings if "bye-before-close" in finding.requirement} & ended
    )


@on_linux
@pytest.mark.skipif(not EXHAUSTIVE, reason="takes minutes: set IMAPSPEC_EXHAUSTIVE")
@pytest.mark.parametrize("point", hostile.POINTS)
@pytest.mark.parametrize("name", hostile.ATTACKS)
def test_every_attack_at_every_point(name: str, point: str, tmp_path: Path) -> None:
    check_attack(name, point, tmp_path)


@on_linux
@pytest.mark.parametrize(
    ("name", "point"),
    [
        ("silence", "at the login"),
        ("a line of 100 MB", "at the greeting"),
        ("a million untagged lines", "at the login"),
        ("NUL without an end", "at the greeting"),
        ("an octet now and then", "at the greeting"),
        ("close", "at the login"),
        ("large literals", "at the login"),
    ],
)
def test_a_server_that_is_hostile_from_the_beginning_is_not_usable(
    name: str, point: str, tmp_path: Path
) -> None:
    check_attack(name, point, tmp_path)


def check_attack(name: str, point: str, folder: Path) -> None:
    """A run of two cases."""
    cases = [CASE, "rfc3501/6.3.11-append/appends-a-message"] if point == "at a literal" else [CASE]
    with Miniature(hostile.attacking(hostile.ATTACKS[name], hostile.POINTS[point])) as server:
        ran = run(
            "run", *calls.target(server), *cases, "--timeout", str(TIMEOUT),
            folder=folder, patience=(2 * len(cases) + 2) * WAITS * TIMEOUT,
        )  # fmt: skip
    assert "Traceback" not in ran.said
    told = check_reports(folder / "imapspec-report", ran.code)
    statuses = Counter(result.status for result in told.results if not result.always_on)
    if point in ("at the greeting", "at the login"):
        assert (ran.code, statuses) == (6, {}), ran.said
    else:
        assert ran.code in (1, 6), ran.said
        assert not set(statuses) - {"TIMEOUT", "FAIL", "BLOCKED", "PASS"}
    assert ran.memory < MEMORY


# ---- TLS ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["imaps", "imap+starttls"])
@pytest.mark.parametrize("name", hostile.HANDSHAKES)
def test_a_handshake_that_stops_ends_the_run(
    name: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    behave = hostile.HANDSHAKES[name]
    with peers.peer(behave if scheme == "imaps" else hostile.in_clear(behave)) as port:
        called = calls.call("run", f"{scheme}://127.0.0.1:{port}", *ACCOUNT, CASE, "--timeout", str(TIMEOUT))
    assert called.code == 6, called
    assert "Traceback" not in called.err
    check_reports(tmp_path / "imapspec-report", 6)


def test_lines_without_an_end_are_no_answer_to_starttls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with peers.peer(hostile.forever(b"* OK still here\r\n")) as port:
        called = calls.call(
            "run", f"imap+starttls://127.0.0.1:{port}", *ACCOUNT, CASE, "--timeout", str(TIMEOUT)
        )
    assert called.code == 6, called
    assert "not STARTTLS" in called.err


# ---- smoke and clean ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["smoke", "clean"])
@pytest.mark.parametrize(
    "name", hostile.ATTACKS if EXHAUSTIVE else ["silence", "lists without an end", "a list without an end"]
)
def test_smoke_and_clean_end_too(command: str, name: str) -> None:
    with Miniature(
        hostile.attacking(hostile.ATTACKS[name], lambda command: command.name in {"LSUB", "LIST"})
    ) as server:
        called = calls.call(command, *calls.target(server), "--timeout", str(TIMEOUT))
    assert called.code == 6, called
    assert "Traceback" not in called.err


# ---- every octet --------------------------------------------------------------------------------------------------------


class Breaking(Recording):
    """A recorded connection that ends, or falls silent for ever, after so many octets."""

    def __init__(self, steps: list[Step], octets: int, *, silent: bool) -> None:
        super().__init__(steps)
        self._octets = octets
        self._silent = silent

    def receive(self, timeout: float) -> bytes | Silence | Ended:
        if self._octets <= 0:
            return SILENCE if self._silent else Ended("closed")
        got = super().receive(timeout)
        if isinstance(got, bytes):
            got, self._octets = got[: self._octets], self._octets - len(got)
        return got

    def past(self, deadline: float) -> bool:
        return (self._silent and self._octets <= 0) or super().past(deadline)


class Dialer:
    """Connections of a recorded play; the one that breaks does so after so many octets."""

    starttls = False

    def __init__(self, steps: list[Step], breaks: str, octets: int, *, silent: bool) -> None:
        self._steps, self._breaks, self._octets, self._silent = steps, breaks, octets, silent

    def connect(self, connection: str, timeout: float) -> Recording:
        del timeout
        own = [step for step in self._steps if step.connection == connection]
        octets = self._octets if connection == self._breaks else 1 << 40
        return Breaking(own, octets, silent=self._silent)


_PAIR = """\
title: Two connections, one of which breaks
proves: rfc3501/2.2.2/stays-in-step
state: selected
connections: A B

A C: STORE 1 +FLAGS (\\Seen)
A S: OK
B C: FETCH 1 (FLAGS)
B S: * 1 FETCH (FLAGS (${flags}))
B S: OK
B C: NOOP
B S: OK
A C: NOOP
A S: OK
"""


@pytest.mark.parametrize("silent", [False, True], ids=["close", "silence"])
@pytest.mark.parametrize(("text", "breaks"), [(WALK, "A"), (_PAIR, "A"), (_PAIR, "B")], ids=["one", "A", "B"])
def test_the_end_at_every_octet_is_a_verdict(text: str, breaks: str, *, silent: bool, tmp_path: Path) -> None:
    scenario = plays.scenario(text)
    with Miniature(right) as server:
        told = plays.run(plays.address(server), [scenario], tmp_path)
    assert {result.status for result in told.results} == {"PASS"}
    length = sum(len(s.octets) for s in told.steps if s.kind == "receive" and s.connection == breaks)
    assert length > 200
    found: Counter[str] = Counter()
    places = range(0, length, 1 if EXHAUSTIVE or text is _PAIR else 23)
    for octets in places:
        found.update(play(scenario, told, Dialer(told.steps, breaks, octets, silent=silent)))
    assert sum(found.values()) == len(places)
    assert set(found) <= {"BLOCKED", "TIMEOUT" if silent else "FAIL", "PASS"}, found
    assert found["PASS"] <= 2  # where nothing is left to be said but the last line end
    assert found["BLOCKED"]
    assert found["TIMEOUT" if silent else "FAIL"]


def play(scenario: Scenario, told: Journal, dialer: Dialer) -> list[str]:
    """The verdicts of one play."""
    header = told.header
    probe = Probe(
        header.greeting, frozenset(), frozenset(header.capabilities), header.delimiter, root=header.root
    )
    record = Play(scenario.id, 1, Unrecorded())
    player = Player(scenario, record, dialer, plays.accounts(), probe, Settings(1), grammar.load())
    results = player.play()
    player.close()
    record.end()
    return [result.status for result in results]


# ---- limits do not hit the innocent -------------------------------------------------------------------------------------

_LARGE = """\
title: A mailbox of many messages
proves: rfc3501/6.4.4/answers
state: selected

C: NOOP
S: OK
"""


def test_a_large_mailbox_passes_no_limit(tmp_path: Path) -> None:
    """100,000 messages: what a search says of all of them, and some thousands of FETCH responses."""
    numbers = b"".join(b" %d" % number for number in range(1, 100_001))
    lines = b"".join(b"* %d FETCH (FLAGS (\\Seen) UID %d)\r\n" % (n, n) for n in range(1, 6_001))

    def large(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "NOOP":
            return [b"* 100000 EXISTS\r\n* SEARCH" + numbers + b"\r\n" + lines, *replies]
        return [*replies]

    scenario = plays.scenario(_LARGE.replace("6.4.4/answers", "6.1.2/always-succeeds"))
    with Miniature(large) as server:
        told = plays.run(plays.address(server), [scenario], tmp_path, timeout=calls.SOON)
    assert {result.status for result in told.results} == {"PASS"}
    left_out = [step for step in told.steps if step.note.endswith("that are not recorded")]
    assert [step.cut is not None for step in left_out] == [True]  # the journal says that it does not hold all
    assert told.steps[-1].octets.endswith(" OK done\r\n")  # what decides is always there


def test_what_is_found_again_and_again_is_counted(tmp_path: Path) -> None:
    def wrong(command: Command, replies: list[bytes]) -> list[Reply]:
        return [b"* 1 EXISTS 2\r\n" * 300, *replies] if command.name == "NOOP" else [*replies]

    scenario = plays.scenario(_LARGE.replace("6.4.4/answers", "6.1.2/always-succeeds"))
    with Miniature(wrong) as server:
        told = plays.run(plays.address(server), [scenario], tmp_path, timeout=calls.SOON)
    (found,) = [result for result in told.results if result.status == "FAIL"]
    assert (found.requirement, found.count) == ("rfc3501/7.3.1/exists-syntax", 300)
    assert len(told.findings) < 30
