"""Each always-on requirement is seen to fail with a server that is wrong in that one way, and only there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import faults
import miniature
import miniature_commands
import miniature_store
import plays
import pytest
from faults import FAULTS, WALK, before, behind, both, completing, instead, on, replacing
from miniature import HANG_UP, Miniature, right

from conformance import catalogue
from conformance.checks import END_CHECKS, RESPONSE_CHECKS, SYNTAX
from conformance.checks.registry import DOUBTFUL_SYNTAX
from conformance.runner.findings import UNMET

if TYPE_CHECKING:
    from types import ModuleType

    from miniature import Command, Reply, Wrong

    from conformance.journal import Journal, Result

ASKED = {SYNTAX, *RESPONSE_CHECKS, *END_CHECKS}


def walk(wrong: Wrong, report_dir: Path) -> Journal:
    """The whole run of `WALK`."""
    with Miniature(wrong) as server:
        return plays.run(plays.address(server), [plays.scenario(WALK)], report_dir)


def verdicts(journal: Journal) -> dict[str, Result]:
    """Of the always-on requirements."""
    return {result.requirement: result for result in journal.results if result.always_on}


@pytest.mark.parametrize(
    "module", [miniature, miniature_commands, miniature_store, faults], ids=lambda m: m.__name__
)
def test_the_wrong_servers_share_no_code_with_the_package(module: ModuleType) -> None:
    for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not [name for name in names if name.split(".")[0] == "conformance"]


def test_every_always_on_requirement_has_a_server_that_breaks_it() -> None:
    assert {fault.requirement for fault in FAULTS.values()} == ASKED | DOUBTFUL_SYNTAX.keys()


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_server_is_found_out_and_blamed_for_nothing_else(name: str, tmp_path: Path) -> None:
    requirement, observed, wrong, also = FAULTS[name]
    journal = walk(wrong, tmp_path)

    assert {finding.requirement for finding in journal.findings} - {also} == {requirement}
    found = verdicts(journal)
    assert found[requirement].status == UNMET[catalogue.load()[requirement].level]
    assert {r for r, result in found.items() if result.status != "PASS"} - {also} == {requirement}
    signatures = {f.signature for f in journal.findings if f.requirement == requirement}
    assert len(signatures) == 1
    assert not observed or signatures == {f"{requirement}|{observed}"}
    assert not [result for result in journal.results if result.status == "TIMEOUT"]
    for finding in journal.findings:
        (shown,) = [step for step in journal.steps if step.n == finding.step]
        assert shown.kind == ("end" if requirement in END_CHECKS else "receive")


def test_the_correct_server_is_blamed_for_nothing(tmp_path: Path) -> None:
    journal = walk(right, tmp_path)
    assert journal.findings == []
    assert {result.status for result in journal.results} == {"PASS"}
    # Asked of every server by this walk; the other two need news of a kind that this server has not: see `UNUSUAL`.
    unasked = {"rfc3501/2.3.1.1/uidvalidity-constant", "rfc3501/7.1.4/preauth-only-greeting"}
    assert verdicts(journal).keys() == ASKED - unasked


def _preauth(command: Command, _: list[bytes]) -> list[Reply]:
    command.connection.user = command.connection.server.users["alice"]
    return [b"* PREAUTH alice\r\n"]


def _same_uidvalidity(command: Command, replies: list[bytes]) -> list[Reply]:
    box = command.connection.box
    assert box is not None
    return [f"* OK [UIDVALIDITY {box.mailbox.uidvalidity}] as ever\r\n".encode(), *replies]


#: What no server has to do, but may: it must not be taken for a fault.
UNUSUAL = {
    "greets with PREAUTH": on("greeting", _preauth),
    "repeats UIDVALIDITY": on("CHECK", _same_uidvalidity),
    "tells its capabilities unasked": both(
        on("greeting", instead(b"* OK [CAPABILITY IMAP4rev1] miniature\r\n")),
        on("LOGIN", completing("OK [CAPABILITY IMAP4rev1 LITERAL+] done")),
    ),
    "writes small letters": both(
        on("SELECT", replacing((b"* FLAGS", b"* flags"), (b"EXISTS", b"exists"), (b"RECENT", b"recent"))),
        on("EXAMINE", lambda command, replies: [*replies[:-1], command.tag + b" ok [read-only] done\r\n"]),
    ),
    "expunges during a UID command": on("UID SEARCH", before(b"* 4 EXPUNGE\r\n")),
    "expunges before the OK of CHECK": on("CHECK", before(b"* 1 EXPUNGE\r\n", b"* 2 EXPUNGE\r\n")),
    "tells news while nothing is in progress": on(
        "CHECK", behind(b"* 4 EXISTS\r\n", b"* 4 FETCH (UID 17 FLAGS ())\r\n", b"* OK still here\r\n")
    ),
    "has no recent messages": on("SELECT", replacing((b"3 RECENT", b"0 RECENT"))),
    "finds nothing": on("SEARCH", replacing((b" 1 2 3 4", b""))),
    "answers a FETCH with more than was asked": on(
        "FETCH 1 (FLAGS)", replacing((b"(FLAGS", b"(UID 1 FLAGS"))
    ),
    "speaks of unknown codes": on("CHECK", before(b"* NO [X-TIRED (a b) 7] slow\r\n")),
    "answers from the last to the first": on(
        "FETCH 1:*",
        lambda _, replies: [*reversed(replies[:-1]), replies[-1]],
    ),
    "says BYE and leaves": on("CHECK", instead(b"* BYE tired\r\n", HANG_UP)),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_server_that_is_unusual_but_right_is_blamed_for_nothing(name: str, tmp_path: Path) -> None:
    journal = walk(UNUSUAL[name], tmp_path)
    assert journal.findings == []
    assert {result.status for result in verdicts(journal).values()} == {"PASS"}


def test_what_the_correct_server_does_not_ask_the_unusual_ones_do(tmp_path: Path) -> None:
    wrong = both(UNUSUAL["greets with PREAUTH"], UNUSUAL["repeats UIDVALIDITY"])
    assert verdicts(walk(wrong, tmp_path)).keys() == ASKED
