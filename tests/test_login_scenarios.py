"""The scenarios that we ship about login: the correct server meets each of them, and one that is wrong in that way does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import miniature_store
import plays
import pytest
from faults import before, both, completing, instead, on, replacing, staying, without
from miniature import HANG_UP, Miniature, right

from conformance.runner.plan import Target
from conformance.scenario.load import load
from conformance.transport import TLS

if TYPE_CHECKING:
    from pathlib import Path

    from faults import Change
    from miniature import Command, Reply, Wrong

    from conformance.journal import Result

#: Seconds until a wait is over that is in vain.
VAIN = 0.4


def lets_in(command: Command, _: list[bytes]) -> list[Reply]:
    """Takes everybody for alice."""
    command.connection.user = command.connection.server.users["alice"]
    return [command.completed("OK welcome")]


def lets_nobody_in(command: Command, replies: list[bytes]) -> list[Reply]:
    """Takes nothing for alice."""
    return lets_in(command, replies) if command.octets.endswith(b"PLAIN ") else [*replies]


def lets_all_in(command: Command, replies: list[bytes]) -> list[Reply]:
    """Knows who is logged in, but not where."""
    for connection in command.connection.server.connections:
        connection.user = connection.user or command.connection.user
    return [*replies]


def opens_inbox(command: Command, replies: list[bytes]) -> list[Reply]:
    """Selects a mailbox that nobody asked for."""
    user = command.connection.user
    assert user is not None
    command.connection.box = miniature_store.Opened(user.boxes[b"INBOX"], read_only=False)
    return [*replies]


def forgets(command: Command, replies: list[bytes]) -> list[Reply]:
    """Logs out who fails to log in."""
    if b" BAD " in replies[-1]:
        command.connection.user = None
    return [*replies]


def keeps_clear_text(command: Command, replies: list[bytes]) -> list[Reply]:
    """Takes what came in clear behind STARTTLS for what comes inside TLS."""
    command.connection.server.discards_clear_text = False
    return [*replies]


def only_in_clear(wrong: Wrong) -> Wrong:
    """Wrong as long as there is no TLS."""
    return lambda command, replies: (right if command.connection.encrypted else wrong)(command, replies)


def _refusing(beginning: str) -> Wrong:
    return on(beginning, completing("NO no"))


class Row(NamedTuple):
    """A scenario, a server that is wrong there, and the requirement that this breaks."""

    case: str
    wrong: Wrong
    requirement: str
    status: str = "FAIL"


LOGIN, EXCHANGE, STARTTLS = "6.2.3-login", "6.2.2-authenticate", "6.2.1-starttls"

ROWS = (
    Row("3-states/new-connection", on("LOGIN", lets_all_in), "3.1/starts-not-authenticated"),
    Row("3-states/login-selects-nothing", on("LOGIN", opens_inbox), "3.2/login-selects-nothing"),
    Row("6.2-not-authenticated/no-way-back", on("LOGIN", forgets), "6.2/no-way-back"),
    *(
        Row(f"{LOGIN}/every-form-of-string", _refusing(f"LOGIN {form}"), "6.2.3/logs-in")
        for form in ("alice", '"alice" "', '"alice" {', '{5}\r\nalice "')
    ),
    Row(f"{LOGIN}/wrong-password", on("LOGIN", lets_in), "6.2.3/wrong-password"),
    Row(f"{LOGIN}/empty-password", on("LOGIN", lets_in), "6.2.3/wrong-password"),
    Row(f"{LOGIN}/eight-bit-password", on("LOGIN", lets_in), "6.2.3/wrong-password"),
    Row(f"{EXCHANGE}/plain", _refusing("AUTHENTICATE"), "6.2.2/exchange"),
    Row(f"{EXCHANGE}/cancelled", _refusing("AUTHENTICATE"), "6.2.2/cancel-bad"),
    Row(f"{EXCHANGE}/wrong-credentials", on("AUTHENTICATE", lets_in), "6.2.2/wrong-credentials"),
    Row(f"{EXCHANGE}/responses-that-lack-something", lets_nobody_in, "6.2.2/wrong-credentials"),
    *(
        Row(
            f"{EXCHANGE}/responses-that-lack-something",
            on(f"AUTHENTICATE {what}", lets_in),
            "6.2.2/wrong-credentials",
        )
        for what in ("PLAIN AGlt", "PLAIN AGFs")
    ),
    Row(f"{EXCHANGE}/own-authorization-identity", _refusing("AUTHENTICATE"), "6.2.2/authorization-identity"),
    Row(
        f"{EXCHANGE}/authorization-identity-of-another",
        on("AUTHENTICATE", lets_in),
        "6.2.2/authorization-identity",
    ),
    Row(
        f"{EXCHANGE}/response-that-is-a-command",
        on("AUTHENTICATE", before(b"n1 OK done\r\n")),
        "6.2.2/response-is-data",
    ),
    Row(
        f"{EXCHANGE}/beside-an-open-exchange",
        on("AUTHENTICATE", lets_all_in),
        "3.1/starts-not-authenticated",
    ),
    Row(f"{EXCHANGE}/another-mechanism", _refusing("AUTHENTICATE"), "6.2.2/another-try"),
    Row(f"{EXCHANGE}/login-instead", _refusing("LOGIN"), "6.2.2/another-try"),
    Row(f"{EXCHANGE}/octet-by-octet", _refusing("AUTHENTICATE"), "2.2/octet-stream"),
    Row(
        f"{EXCHANGE}/plain",
        on("continuation", instead(b"+ U2F5IG9uLg==\r\n")),
        "6.2.2/empty-challenge",
        "WARN",
    ),
    *(
        Row(f"{STARTTLS}/{what}", on("STARTTLS", keeps_clear_text), "6.2.1/starttls-discards-plaintext")
        for what in (
            "discards-plaintext",
            "discards-half-a-command",
            "discards-a-literal",
            "discards-an-exchange",
        )
    ),
    Row(f"{STARTTLS}/login-inside-tls", _refusing("LOGIN"), "6.2.3/logs-in"),
    Row(f"{STARTTLS}/authenticate-inside-tls", _refusing("AUTHENTICATE"), "6.2.2/exchange"),
    Row(f"{STARTTLS}/logout-inside-tls", on("LOGOUT", without(b"* BYE")), "6.2.1/begins-tls"),
    Row(f"{STARTTLS}/behind-another-command", _refusing("NOOP"), "6.2.1/begins-tls"),
    Row(
        f"{STARTTLS}/not-offered",
        on("STARTTLS", both(completing("OK now"), staying)),
        "6.2.1/not-offered",
        "WARN",
    ),
    Row("11.1-starttls-security/no-negotiation", on("STARTTLS", staying), "11.1/negotiation-checked"),
    Row(
        "11.2-security/refusals-of-authenticate-do-not-tell",
        on("AUTHENTICATE", lets_in),
        "6.2.2/wrong-credentials",
    ),
)


def results(
    case: str, wrong: Wrong, report_dir: Path, *, patience: float = plays.PATIENCE
) -> dict[str, Result]:
    """What a server gets for a scenario."""
    scenario = load(f"rfc3501/{case}")
    with Miniature(tls=plays.tls() if "STARTTLS" in scenario.requires else None) as server:
        journal = plays.run(
            plays.address(server),
            [scenario],
            report_dir,
            timeout=patience,
            around=lambda: server.being(wrong),
        )
    return {
        result.requirement.removeprefix("rfc3501/"): result
        for result in journal.results
        if not result.always_on
    }


@pytest.mark.parametrize("case", dict.fromkeys(row.case for row in ROWS))
def test_the_correct_server_meets_it(case: str, tmp_path: Path) -> None:
    wanted = right
    if case.startswith("11.1"):
        wanted = on("NOOP", instead(HANG_UP))  # a miniature that waits for TLS never comes to see a command
    assert {each.status for each in results(case, wanted, tmp_path).values()} <= {"PASS", "INFO"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_a_server_that_is_wrong_there_does_not(row: Row, tmp_path: Path) -> None:
    patience = VAIN if row.case.startswith("11.1") else plays.PATIENCE
    found = results(row.case, row.wrong, tmp_path, patience=patience)
    assert found[row.requirement].status == row.status


_DISABLED = on("CAPABILITY", replacing((b"LITERAL+", b"LITERAL+ LOGINDISABLED")))


@pytest.mark.parametrize(
    ("login", "status"),
    [(completing("NO not in clear"), "PASS"), (completing("BAD no"), "FAIL"), (lets_in, "FAIL")],
)
def test_login_in_clear_is_refused_where_it_is_disabled(login: Change, status: str, tmp_path: Path) -> None:
    in_clear = only_in_clear(both(_DISABLED, on("LOGIN", login)))
    with Miniature(in_clear, tls=plays.tls()) as server:
        target = Target(f"imap+starttls://127.0.0.1:{server.port}", plays.accounts(), TLS(insecure=True))
        journal = plays.run(target, [load(f"rfc3501/{LOGIN}/disabled")], tmp_path)
    found = {result.requirement: result.status for result in journal.results if not result.always_on}
    assert found["rfc3501/7.2.1/logindisabled"] == status


def test_a_password_goes_out_in_clear_to_no_server_of_others(tmp_path: Path) -> None:
    with Miniature(tls=plays.tls()) as server:
        scenario = load(f"rfc3501/{LOGIN}/disabled-for-the-right-password")
        journal = plays.run(plays.address(server), [scenario], tmp_path)
    assert {(each.status, each.reason) for each in journal.results if not each.always_on} == {
        ("SKIP", "sends-password")
    }


def test_what_begins_in_clear_is_not_asked_inside_tls(tmp_path: Path) -> None:
    scenario = load(f"rfc3501/{STARTTLS}/starttls")
    journal = plays.run(Target("pymap", scheme="imaps"), [scenario], tmp_path)
    assert {(each.status, each.reason) for each in journal.results if not each.always_on} == {
        ("SKIP", "encrypted")
    }
