"""Our own scenarios about mailboxes: the miniature server passes, and fails when its store is wrong in the way that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import miniature_commands as commands
import miniature_store as store
import plays
import pytest
from miniature import Miniature

from conformance.scenario.load import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Patch = pytest.MonkeyPatch


def command(name: str, handler: Callable[..., Any]) -> Callable[[Patch], None]:
    """A server whose command does something else."""

    def applied(patch: Patch) -> None:
        _, states, shape = commands.COMMANDS[name]
        patch.setitem(commands.COMMANDS, name, (handler, states, shape))

    return applied


def method(owner: type, name: str, function: Callable[..., Any]) -> Callable[[Patch], None]:
    """A server whose store does something else."""
    return lambda patch: patch.setattr(owner, name, function)


def _examine_for_writing(c: Any, name: bytes) -> str:
    """Only says that it is read-only."""
    commands.select(c, name)
    return "OK [READ-ONLY] done"


def _examine_if_closed(c: Any, name: bytes) -> str:
    """Does nothing about a mailbox that is open."""
    if c.box and c.box.mailbox is commands.found(c, name):
        commands.described(c, "READ-ONLY")
        return "OK [READ-ONLY] done"
    return commands.examine(c, name)


def _examine_for_all(c: Any, name: bytes) -> str:
    """The sessions of a mailbox share whether it is read-only."""
    for other in c.server.connections:
        if other.box:
            other.box.read_only = True
    return commands.examine(c, name)


def _select_if_there(c: Any, name: bytes) -> str:
    """Keeps the old mailbox until the new one was found."""
    commands.found(c, name)
    return commands.select(c, name)


def _select_as_before(c: Any, name: bytes) -> str:
    """Once read-only, always read-only."""
    read_only = c.box is not None and c.box.read_only
    how = commands.select(c, name)
    c.box.read_only = read_only
    return how


def _copy_with_uid(c: Any, numbers: bytes, name: bytes) -> None:
    box = commands.found(c, name)
    for _, message in commands.chosen(c, numbers, uid=False):
        box.messages.append(store.Message(message.uid, message.octets, message.date, set(message.flags)))


def _delete_the_name_only(c: Any, name: bytes) -> None:
    box = commands.found(c, name)
    commands.delete(c, name)
    c.user.__dict__.setdefault("attic", {})[name] = box


def _create_from_the_attic(c: Any, name: bytes) -> None:
    commands.create(c, name)
    if name in (attic := c.user.__dict__.get("attic", {})):
        c.user.boxes[name] = attic[name]


def _both(*patches: Callable[[Patch], None]) -> Callable[[Patch], None]:
    def applied(patch: Patch) -> None:
        for each in patches:
            each(patch)

    return applied


def _delete_pattern(c: Any, name: bytes) -> None:
    for each in store.matching(commands.mailboxes(c).boxes, name):
        commands.delete(c, each)


def _create_with_delimiter(user: store.User, name: bytes) -> bool:
    new = name not in user.boxes
    user.boxes.setdefault(name, store.Mailbox())
    return new


def _create_superiors_anew(user: store.User, name: bytes) -> bool:
    new = name not in user.boxes
    levels = name.split(b"/")
    for depth in range(1, len(levels) + 1):
        user.boxes[b"/".join(levels[:depth])] = store.Mailbox()
    return new


def _store_with_date(c: Any, numbers: bytes, what: bytes, *flags: Any) -> None:
    commands.store(c, numbers, what, *flags)
    for _, message in commands.chosen(c, numbers, uid=False):
        message.date = "18-Jul-1996 00:00:00 +0000"


class Row(NamedTuple):
    case: str
    wrong: Callable[[Patch], None]
    requirement: str


WRITABLE = command("EXAMINE", _examine_for_writing)

ROWS = (
    Row("2.3.1.1-uid/uids-of-copies", command("COPY", _copy_with_uid), "2.3.1.1/uidnext-advances-by-copy"),
    Row(
        "2.3.1.1-uid/flag-changes-leave-the-message",
        command("STORE", _store_with_date),
        "2.3.1.1/date-immutable",
    ),
    Row(
        "5.1-mailbox-naming/pattern-is-no-name",
        command("DELETE", _delete_pattern),
        "5.1/wildcards-are-characters",
    ),
    Row(
        "6.3.1-select/failed-select-ends-access",
        command("SELECT", _select_if_there),
        "6.3.1/failed-select-deselects",
    ),
    Row(
        "6.3.1-select/writable-after-examine",
        command("SELECT", _select_as_before),
        "6.3.1/writable-after-examine",
    ),
    Row("6.3.2-examine/stores-of-every-form", WRITABLE, "6.3.2/flags-kept"),
    Row("6.3.2-examine/leaving-removes-nothing", WRITABLE, "6.3.2/deleted-kept"),
    Row("6.3.2-examine/recent-of-new-messages", WRITABLE, "6.3.2/keeps-recent"),
    Row(
        "6.3.2-examine/examine-of-the-selected-mailbox",
        command("EXAMINE", _examine_if_closed),
        "6.3.2/read-only-after-select",
    ),
    Row(
        "6.3.2-examine/read-only-for-its-session-only",
        command("EXAMINE", _examine_for_all),
        "6.3.2/read-only-for-the-session",
    ),
    Row(
        "6.3.3-create/existing-name-with-a-delimiter",
        method(store.User, "create", _create_with_delimiter),
        "6.3.3/trailing-delimiter",
    ),
    Row(
        "6.3.3-create/existing-superior-is-kept",
        method(store.User, "create", _create_superiors_anew),
        "6.3.3/superior-kept",
    ),
    Row(
        "6.3.4-delete/messages-are-gone",
        _both(command("DELETE", _delete_the_name_only), command("CREATE", _create_from_the_attic)),
        "6.3.4/messages-gone",
    ),
)


def results(case: str, report_dir: Path) -> dict[str, str]:
    """What the miniature, as it is now, gets for a case: requirement -> status."""
    with Miniature() as server:
        journal = plays.run(plays.address(server), [load(f"rfc3501/{case}")], report_dir)
    return {result.requirement: result.status for result in journal.results if not result.always_on}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_scenario_passes_and_fails(row: Row, tmp_path: Path, monkeypatch: Patch) -> None:
    requirement = f"rfc3501/{row.requirement}"
    assert results(row.case, tmp_path / "right")[requirement] == "PASS"
    row.wrong(monkeypatch)
    assert results(row.case, tmp_path / "wrong")[requirement] == "FAIL"
