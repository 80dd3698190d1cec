"""Cases of the suite about states, syntax, literals and pipelines: met by the correct server, failed by one that is wrong in that way."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import plays
import pytest
from faults import before, both, completing, on, silent
from miniature import Miniature, right

from conformance.scenario.load import load

if TYPE_CHECKING:
    from pathlib import Path

    from miniature import Wrong

    from conformance.journal import Journal


class Row(NamedTuple):
    """A case, the requirement that it has to blame, a server that deserves it, and what it gets."""

    case: str
    requirement: str
    wrong: Wrong
    status: str = "FAIL"


_EXPUNGED = before(b"* 1 EXPUNGE\r\n")

ROWS = {
    "creates before login": Row(
        "3.1-not-authenticated/create", "3.1/create-needs-login", on("CREATE", completing("OK done"))
    ),
    "lists before login, and refuses": Row(
        "3.1-not-authenticated/list", "3.1/list-needs-login", on("LIST", before(b'* LIST () "/" INBOX\r\n'))
    ),
    "opens a mailbox before login": Row(
        "3.1-not-authenticated/select",
        "3.1/select-needs-login",
        on("SELECT", both(before(b"* 0 EXISTS\r\n"), completing("OK open"))),
    ),
    "fetches without a mailbox": Row(
        "3.2-authenticated/uid-fetch", "3.2/uid-fetch-needs-mailbox", on("UID FETCH", completing("OK done"))
    ),
    "stores without a mailbox": Row(
        "3.2-authenticated/store", "3.2/store-needs-mailbox", on("STORE", completing("OK done"))
    ),
    "logs in again": Row(
        "3-states/login-when-logged-in", "3/no-login-after-login", on("LOGIN", completing("OK welcome"))
    ),
    "takes any command": Row(
        "2.2.2-syntax-errors/unknown-command",
        "2.2.2/unknown-command-bad",
        on("FROBNICATE", completing("OK done")),
        "WARN",
    ),
    "creates in spite of a refusal": Row(
        "2.2.2-syntax-errors/create-of-a-list",
        "2.2.2/refused-does-nothing",
        on('LIST "" imapspec', before(b'* LIST () "/" one\r\n')),
    ),
    "knows no literal before a list": Row(
        "4.3-literals/status-in-each-form",
        "4.3/status-any-form",
        on("STATUS {", completing("BAD what")),
    ),
    "never answers a literal": Row(
        "7.5-continuation/literal-of-a-malformed-append",
        "7.5/literal-answered",
        on("APPEND", silent),
        "TIMEOUT",
    ),
    "expunges at NOOP": Row("6.1.2-noop/expunges-nothing", "6.1.2/does-nothing", on("NOOP", _EXPUNGED)),
    "takes any X": Row(
        "6.5.1-experimental/unknown-x-command-before-login",
        "6.5.1/unknown-x-command",
        on("XIMAPSPEC", completing("OK done")),
        "WARN",
    ),
    "forgets what it was asked before LOGOUT": Row(
        "3.4-logout/answers-before-bye", "3.4/earlier-commands-complete", on("STATUS", completing("NO busy"))
    ),
    "knows capital letters only": Row(
        "9-formal-syntax/store-items-in-any-case",
        "9/case-of-store-items",
        on("store", completing("BAD what")),
    ),
    "creates no quoted name": Row(
        "4.3-literals/create-in-each-form",
        "4.3/create-any-form",
        on('CREATE "', completing("NO quotes")),
    ),
    "copies to no quoted name": Row(
        "4.3-literals/copy-in-each-form", "4.3/copy-any-form", on('COPY 1 "', completing("NO quotes"))
    ),
    "loses what stands behind a wrong line": Row(
        "5.5-pipelining/syntax-errors-in-the-middle",
        "5.5/pipelined-independent",
        on("NOOP", silent),
        "TIMEOUT",
    ),
}


def play(row: Row, wrong: Wrong, report_dir: Path) -> Journal:
    """A run of the case."""
    with Miniature() as server:
        return plays.run(
            plays.address(server),
            [load(f"rfc3501/{row.case}")],
            report_dir,
            timeout=0.4 if row.status == "TIMEOUT" and wrong is not right else plays.PATIENCE,
            around=lambda: server.being(wrong),
        )


def statuses(journal: Journal, row: Row) -> set[str]:
    """What the requirement got from the case."""
    wanted = f"rfc3501/{row.requirement}"
    return {each.status for each in journal.results if each.requirement == wanted and not each.always_on}


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_a_wrong_server_is_found_by_the_case_about_it(row: Row, tmp_path: Path) -> None:
    assert statuses(play(row, right, tmp_path / "right"), row) == {"PASS"}
    assert statuses(play(row, row.wrong, tmp_path / "wrong"), row) == {row.status}
