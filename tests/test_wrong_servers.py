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
import value_faults
from faults import (
    FAULTS,
    OVER_TLS,
    SECOND_LOGIN,
    WALK,
    before,
    behind,
    both,
    completing,
    instead,
    on,
    preauth,
    replacing,
)
from miniature import HANG_UP, Miniature, right

from conformance import catalogue
from conformance.checks import END_CHECKS, RESPONSE_CHECKS, SYNTAX
from conformance.checks.registry import DOUBTFUL_SYNTAX
from conformance.runner.findings import UNMET

if TYPE_CHECKING:
    from types import ModuleType

    from miniature import Command, Reply, Wrong

    from conformance.journal import Journal, Result

ASKED = {*SYNTAX.values(), *RESPONSE_CHECKS, *END_CHECKS}


#: Asked only of what this server never says: see `UNUSUAL` and `value_faults`.
NEWS = {
    "rfc3501/2.3.1.1/date-immutable",
    "rfc3501/2.3.1.1/envelope-immutable",
    "rfc3501/2.3.1.1/size-immutable",
    "rfc3501/2.3.1.1/structure-immutable",
    "rfc3501/2.3.1.1/uidvalidity-constant",
    "rfc3501/7.1.4/preauth-only-greeting",
    "rfc3501/7.2.2/list-syntax",
    "rfc3501/7.2.3/lsub-syntax",
    "rfc3501/7.4.2/headers-7-bit",
    "rfc3501/6.2.1/tls-at-once",
    "rfc3501/7.1/badcharset-of-search",
    "rfc3501/7.1/unseen-within-exists",
    "rfc3501/7.1.4/preauth-is-authenticated",
    "rfc3501/7.1.5/closes-after-bye",
    "rfc3501/7.2.1/automatic-capabilities",
}
ALL = {**FAULTS, **value_faults.FAULTS}


def walk(wrong: Wrong, report_dir: Path, text: str = WALK) -> Journal:
    """A whole run of one session."""
    with Miniature(wrong, tls=plays.tls() if "requires: STARTTLS" in text else None) as server:
        return plays.run(plays.address(server), [plays.scenario(text)], report_dir)


def verdicts(journal: Journal) -> dict[str, Result]:
    """Of the always-on requirements."""
    return {result.requirement: result for result in journal.results if result.always_on}


@pytest.mark.parametrize(
    "module", [miniature, miniature_commands, miniature_store, faults, value_faults], ids=lambda m: m.__name__
)
def test_the_wrong_servers_share_no_code_with_the_package(module: ModuleType) -> None:
    for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        assert not [name for name in names if name.split(".")[0] == "conformance"]


def test_every_always_on_requirement_has_a_server_that_breaks_it() -> None:
    assert {fault.requirement for fault in ALL.values()} == ASKED | DOUBTFUL_SYNTAX.keys()


@pytest.mark.parametrize("name", ALL)
def test_a_wrong_server_is_found_out_and_blamed_for_nothing_else(name: str, tmp_path: Path) -> None:
    requirement, observed, wrong, also, session = ALL[name]
    journal = walk(wrong, tmp_path, session)

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


def test_a_wrong_greeting_is_one_finding_and_the_session_goes_on(tmp_path: Path) -> None:
    journal = walk(FAULTS["greets in a way of its own"].wrong, tmp_path)
    assert len(journal.findings) == 1
    assert [result.status for result in journal.results if not result.always_on] == ["PASS"]


def test_the_correct_server_is_blamed_for_nothing(tmp_path: Path) -> None:
    journal = walk(right, tmp_path)
    assert journal.findings == []
    assert {result.status for result in journal.results} == {"PASS"}
    assert verdicts(journal).keys() >= {fault.requirement for fault in FAULTS.values()} & ASKED - NEWS


def test_the_state_in_the_journal_is_that_of_each_response_however_they_arrive(tmp_path: Path) -> None:
    steps = walk(right, tmp_path).steps
    examined = next(n for n, step in enumerate(steps) if step.kind == "send" and "EXAMINE" in step.octets)
    reply = [step for step in steps[examined + 1 :] if step.kind == "receive"][:7]
    assert [step.octets[:7] for step in reply if step.state == "authenticated"] == [
        "* FLAGS",
        "* 3 EXI",
        "* 3 REC",
        *["* OK [P", "* OK [U", "* OK [U"],
    ]
    assert "OK [READ-ONLY]" in reply[-1].octets
    assert reply[-1].state == "selected"


def _same_uidvalidity(command: Command, replies: list[bytes]) -> list[Reply]:
    box = command.connection.box
    assert box is not None
    return [f"* OK [UIDVALIDITY {box.mailbox.uidvalidity}] as ever\r\n".encode(), *replies]


#: What no server has to do, but may: it must not be taken for a fault.
UNUSUAL = {
    "greets with PREAUTH": on("greeting", preauth),
    "repeats UIDVALIDITY": on("CHECK", _same_uidvalidity),
    "tells its capabilities unasked": both(
        on("greeting", instead(b"* OK [CAPABILITY IMAP4rev1] miniature\r\n")),
        on("LOGIN", completing("OK [CAPABILITY IMAP4rev1 LITERAL+ AUTH=PLAIN] done")),
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


def test_right_values_are_blamed_for_nothing_and_every_requirement_can_be_met(tmp_path: Path) -> None:
    lines = [line + b"\r\n" for line in value_faults.RIGHT]
    partial = [line + b"\r\n" for line in value_faults.RIGHT_OF_FETCH]
    talkative = both(on("CHECK", before(*lines)), on("FETCH 1 (BODY.PEEK[])", before(*partial)))
    unusual = both(UNUSUAL["greets with PREAUTH"], UNUSUAL["repeats UIDVALIDITY"])
    told = both(
        on("SELECT", before(b"* OK [UNSEEN 3] the first\r\n")), UNUSUAL["tells its capabilities unasked"]
    )
    failing = both(
        on("APPEND", before(b"* NO [TRYCREATE] x\r\n")), on("SEARCH", before(b"* NO [BADCHARSET] x\r\n"))
    )
    journals = [
        walk(both(talkative, unusual), tmp_path),
        walk(both(told, failing), tmp_path),
        walk(right, tmp_path, value_faults.EXCHANGE),
        walk(right, tmp_path, value_faults.BY_UID),
        walk(right, tmp_path, value_faults.TWICE),
        walk(right, tmp_path, OVER_TLS),
        walk(on("greeting", preauth), tmp_path, SECOND_LOGIN),
        walk(on("CHECK", lambda _, replies: [b"* BYE tired\r\n", *replies, HANG_UP]), tmp_path),
    ]
    assert [finding for journal in journals for finding in journal.findings] == []
    assert {requirement for journal in journals for requirement in verdicts(journal)} == ASKED
