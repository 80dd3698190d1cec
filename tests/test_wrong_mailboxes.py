"""Scenarios about subscriptions, LIST, STATUS and APPEND fail with a server that is wrong in just the way that they are about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import miniature_commands as commands
import miniature_store as store
import plays
import pytest
from miniature import Miniature
from miniature_commands import found, mailboxes, quoted, words

from conformance.scenario.load import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from miniature import Connection

    Handler = Callable[..., str | None]


class Row(NamedTuple):
    """A server's fault, and the case and requirement that show it."""

    fault: str
    command: str  #: whose handler is another
    handler: Handler
    case: str  #: below rfc3501/
    requirement: str  #: below rfc3501/


def subscribing(also: Callable[[Connection, bytes], Iterable[bytes]]) -> Handler:
    """SUBSCRIBE of more, or other, names than the one."""
    return lambda c, name: mailboxes(c).subscribed.update(also(c, name))


def unsubscribing(also: Callable[[Connection, bytes], Iterable[bytes]]) -> Handler:
    return lambda c, name: mailboxes(c).subscribed.difference_update(also(c, name))


def telling(what: str, names: Callable[[Connection], Iterable[bytes]], line: str = '{} () "/" {}') -> Handler:
    """LIST or LSUB of other names, or in other words."""

    def handler(c: Connection, reference: bytes, pattern: bytes) -> None:
        if not pattern:
            RIGHT[what](c, reference, pattern)
        for name in store.matching(names(c), reference + pattern):
            c.tell(line.format(what, quoted(name)))

    return handler


def ended(name: str, *then: Callable[[Connection, bytes], object]) -> Handler:
    """A command that does more than it should. `then` gets its mailbox name."""

    def handler(c: Connection, *arguments: Any) -> str | None:
        completion: str | None = RIGHT[name](c, *arguments)
        for each in then:
            each(c, arguments[0])
        return completion

    return handler


def counting(change: Callable[[dict[str, int]], dict[str, int]]) -> Handler:
    """STATUS with other numbers."""

    def handler(c: Connection, name: bytes, items: list[bytes]) -> None:
        numbers = change(found(c, name).status())
        told = [f"{item} {numbers[item]}" for item in map(str.upper, words(items)) if item in numbers]
        c.tell(f"STATUS {quoted(name)} ({' '.join(told)})")

    return handler


def storing(pattern: bytes, replacement: bytes) -> Handler:
    """APPEND of another text."""
    return lambda c, name, *rest: RIGHT["APPEND"](c, name, *rest[:-1], re.sub(pattern, replacement, rest[-1]))


def deselect(c: Connection, _: bytes) -> None:
    c.box = None


def boxes(c: Connection) -> dict[bytes, store.Mailbox]:
    return mailboxes(c).boxes


def subscribed(c: Connection) -> set[bytes]:
    return mailboxes(c).subscribed


RIGHT: dict[str, Handler] = {name: handler for name, (handler, _, _) in commands.COMMANDS.items()}

_SUBSCRIBE, _UNSUBSCRIBE, _LSUB = "6.3.6-subscribe/", "6.3.7-unsubscribe/", "6.3.9-lsub/"
_LIST, _STATUS, _APPEND = "6.3.8-list/", "6.3.10-status/", "6.3.11-append/"

ROWS = [
    Row("nothing", "SUBSCRIBE", subscribing(lambda *_: ()), _SUBSCRIBE + "subscribe", "6.3.6/subscribes"),
    Row("only the latest", "SUBSCRIBE", lambda c, name: (subscribed(c).clear(), RIGHT["SUBSCRIBE"](c, name))[1],
        _SUBSCRIBE + "adds-to-the-others", "6.3.6/adds-to-the-set"),
    Row("only what exists", "SUBSCRIBE", subscribing(lambda c, name: {name} & boxes(c).keys()),
        _SUBSCRIBE + "name-without-a-mailbox", "6.3.6/ok-means-subscribed"),
    Row("inferiors", "SUBSCRIBE", subscribing(lambda c, name: (each for each in boxes(c) if each.startswith(name))),
        _SUBSCRIBE + "only-that-name", "6.3.6/only-that-name"),
    Row("a pattern", "SUBSCRIBE", subscribing(lambda c, name: store.matching(boxes(c), name)),
        _SUBSCRIBE + "wildcards-are-characters", "6.3.6/only-that-name"),
    Row("INBOX as written", "SUBSCRIBE", subscribing(lambda _, name: {name}), _SUBSCRIBE + "inbox", "6.3.6/subscribes"),
    Row("creates", "SUBSCRIBE", ended("SUBSCRIBE", lambda c, name: mailboxes(c).create(name)),
        _SUBSCRIBE + "creates-no-mailbox", "6.3.6/creates-no-mailbox"),
    Row("unsubscribes", "DELETE", ended("DELETE", lambda c, name: subscribed(c).discard(name)),
        _SUBSCRIBE + "survives-delete-in-later-sessions", "6.3.6/not-removed-unilaterally"),
    Row("nothing", "UNSUBSCRIBE", unsubscribing(lambda *_: ()), _UNSUBSCRIBE + "unsubscribe", "6.3.7/unsubscribes"),
    Row("by beginning", "UNSUBSCRIBE",
        unsubscribing(lambda c, name: [each for each in subscribed(c) if each.startswith(name)]),
        _UNSUBSCRIBE + "only-that-name", "6.3.7/only-that-name"),
    Row("a pattern", "UNSUBSCRIBE", unsubscribing(lambda c, name: store.matching(subscribed(c), name)),
        _UNSUBSCRIBE + "wildcards-are-characters", "6.3.7/only-that-name"),
    Row("deletes", "UNSUBSCRIBE", ended("UNSUBSCRIBE", lambda c, name: boxes(c).pop(name)),
        _UNSUBSCRIBE + "keeps-the-mailbox", "6.3.7/keeps-mailbox"),
    Row("what exists", "LSUB", telling("LSUB", boxes), _LSUB + "only-what-is-subscribed", "6.3.9/subscribed-names-only"),
    Row("of all users", "LSUB",
        telling("LSUB", lambda c: set().union(*(user.subscribed for user in c.server.users.values()))),
        _LSUB + "of-each-user", "6.3.9/own-subscriptions"),
    Row("twice", "LSUB", telling("LSUB", lambda c: [*subscribed(c)] * 2), _SUBSCRIBE + "twice", "6.3.9/name-once"),
    Row("no reference", "LSUB", lambda c, _, pattern: RIGHT["LSUB"](c, b"", pattern),
        _LSUB + "reference", "6.3.9/reference-is-context"),
    Row("other delimiter", "LSUB", telling("LSUB", subscribed, '{} () "." {}'),
        "7.2.3-lsub/same-delimiter", "7.2.3/same-delimiter"),
    Row("no reference", "LIST", lambda c, _, pattern: RIGHT["LIST"](c, b"", pattern),
        _LIST + "reference-and-wildcards", "6.3.8/reference-is-context"),
    Row("twice", "LIST", telling("LIST", lambda c: [*boxes(c)] * 2), _LIST + "no-wildcard", "6.3.8/name-once"),
    Row("no INBOX", "LIST", telling("LIST", lambda c: boxes(c).keys() - {b"INBOX"}), _LIST + "inbox", "6.3.8/inbox-is-listed"),
    Row("no delimiter", "LIST", lambda c, reference, pattern: RIGHT["LIST"](c, reference, pattern or b"none"),
        _LIST + "empty-pattern", "6.3.8/delimiter-and-root"),
    Row("deselects", "LIST", ended("LIST", deselect), _LIST + "changes-nothing", "6.3.8/only-looks"),
    Row("all \\Noselect", "LIST", telling("LIST", boxes, '{} (\\Noselect) "/" {}'),
        "7.2.2-list/selectable", "7.2.2/selectable-is-not-noselect"),
    Row("all \\Noinferiors", "LIST", telling("LIST", boxes, '{} (\\Noinferiors) "/" {}'),
        "7.2.2-list/noinferiors-for-ever", "7.2.2/noinferiors"),
    Row("all \\Unmarked", "LIST", telling("LIST", boxes, '{} (\\Unmarked) "/" {}'), "7.2.2-list/unmarked", "7.2.2/unmarked"),
    Row("selects", "STATUS", ended("STATUS", RIGHT["SELECT"]), _STATUS + "selects-nothing", "6.3.10/selects-nothing"),
    Row("deselects", "STATUS", ended("STATUS", deselect),
        _STATUS + "keeps-selected-mailbox", "6.3.10/keeps-selected-mailbox"),
    Row("takes \\Recent", "STATUS", ended("STATUS", lambda c, name: found(c, name).unclaimed.clear()),
        _STATUS + "keeps-recent", "6.3.10/keeps-recent"),
    Row("sets \\Seen", "STATUS",
        ended("STATUS", lambda c, name: [message.flags.add("\\Seen") for message in found(c, name).messages]),
        _STATUS + "changes-no-flags", "6.3.10/changes-no-flags"),
    Row("all unseen", "STATUS", counting(lambda n: {**n, "UNSEEN": n["MESSAGES"]}),
        _STATUS + "unseen-is-a-count", "6.3.10/values"),
    Row("all recent", "STATUS", counting(lambda n: {**n, "RECENT": n["MESSAGES"]}),
        _STATUS + "recent-is-a-count", "6.3.10/recent-count"),
    Row("not the last UIDNEXT", "STATUS", counting(lambda n: {**n, "UIDNEXT": n["UIDNEXT"] + 1}),
        _STATUS + "equals-select", "6.3.10/values"),
    Row("without UIDVALIDITY", "STATUS", counting(lambda n: {item: n[item] for item in n if item != "UIDVALIDITY"}),
        "7.2.4-status/all-items-in-any-order", "7.2.4/requested-items"),
    Row("of another mailbox", "STATUS", lambda c, _, items: RIGHT["STATUS"](c, b"INBOX", items),
        "7.2.4-status/name-that-was-asked-for", "7.2.4/name-asked-for"),
    Row("quotes From", "APPEND", storing(rb"\r\nFrom ", rb"\r\n>From "), _APPEND + "awkward-lines", "6.3.11/octets-kept"),
    Row("doubles dots", "APPEND", storing(rb"\r\n\.", rb"\r\n.."), _APPEND + "awkward-lines", "6.3.11/octets-kept"),
    Row("trims", "APPEND", storing(rb"[ \t]+\r\n", rb"\r\n"), _APPEND + "awkward-lines", "6.3.11/octets-kept"),
    Row("ends lines", "APPEND", storing(rb"([^\r\n])\Z", rb"\1\r\n"), _APPEND + "no-last-line-end", "6.3.11/octets-kept"),
    Row("wraps lines", "APPEND", storing(rb"([^\r\n]{998})", rb"\1\r\n"), _APPEND + "long-lines", "6.3.11/octets-kept"),
    Row("no 8 bits", "APPEND", storing(rb"[\x80-\xff]", b"?"), _APPEND + "every-high-octet", "6.3.11/eight-bit-preserved"),
    Row("no options", "APPEND", lambda c, name, *rest: RIGHT["APPEND"](c, name, rest[-1]),
        _APPEND + "zones", "6.3.11/zone"),
    Row("no options", "APPEND", lambda c, name, *rest: RIGHT["APPEND"](c, name, rest[-1]),
        _APPEND + "each-system-flag", "6.3.11/flags"),
    Row("creates", "APPEND", lambda c, name, *rest: (mailboxes(c).create(name), RIGHT["APPEND"](c, name, *rest))[1],
        _APPEND + "no-such-mailbox", "6.3.11/no-such-mailbox"),
    Row("in front", "APPEND", ended("APPEND", lambda c, name: found(c, name).messages.reverse()),
        _APPEND + "order", "6.3.11/at-the-end"),
    Row("takes \\Recent", "APPEND", ended("APPEND", lambda c, name: found(c, name).unclaimed.clear()),
        _APPEND + "recent-with-flags", "6.3.11/sets-recent"),
    Row("deselects", "APPEND", ended("APPEND", deselect),
        _APPEND + "keeps-the-selected-mailbox", "6.3.11/keeps-selected-mailbox"),
]  # fmt: skip

#: Ways to make something else of a pattern: what "*", "%" and other characters become, and how it is applied.
PATTERNS = [
    ("at least one", ".+", "[^/]*", re.escape, re.fullmatch, _LIST + "wildcard-in-front", "6.3.8/matches-nothing-too"),
    ("no levels", ".*", ".*", re.escape, re.fullmatch, _LIST + "wildcards-at-several-levels", "6.3.8/percent-stops-at-delimiter"),
    ("one level", "[^/]*", "[^/]*", re.escape, re.fullmatch, _LIST + "wildcards", "6.3.8/star-matches-all-levels"),
    ("anywhere", ".*", "[^/]*", re.escape, re.search, _LIST + "no-wildcard", "6.3.8/matches-pattern"),
    ("first place", "[^a]*", "[^a]*", re.escape, re.fullmatch, _LIST + "needs-a-second-try", "6.3.8/matches-pattern"),
    ("expression", ".*", "[^/]*", bytes, re.fullmatch, _LIST + "other-characters-stand-for-themselves", "6.3.8/other-characters-are-literal"),
]  # fmt: skip


def verdicts(cases: Iterable[str], report_dir: Path) -> dict[tuple[str, str], str]:
    """What each case's requirements get in one run, in short names."""
    with Miniature() as server:
        scenarios = [load(f"rfc3501/{case}") for case in cases]
        journal = plays.run(plays.address(server), scenarios, report_dir, timeout=0.5, allow_inbox=True)
    short = len("rfc3501/")
    return {(result.id[short:], result.requirement[short:]): result.status for result in journal.results}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """What the correct server gets."""
    return verdicts(dict.fromkeys(row[-2] for row in (*ROWS, *PATTERNS)), tmp_path_factory.mktemp("right"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.command} {row.fault}, {row.case}")
def test_a_case_fails_with_a_server_that_is_wrong_in_just_this_way(
    row: Row, right: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = row.case, row.requirement
    assert right[asked] == "PASS"
    _, states, shape = commands.COMMANDS[row.command]
    monkeypatch.setitem(commands.COMMANDS, row.command, (row.handler, states, shape))
    assert verdicts([row.case], tmp_path)[asked] in ("FAIL", "WARN")


@pytest.mark.parametrize("row", PATTERNS, ids=lambda row: row[0])
def test_a_case_fails_with_a_server_that_reads_patterns_another_way(
    row: tuple[Any, ...], right: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, star, percent, escaped, matches, *asked = row

    def matching(names: Iterable[bytes], pattern: bytes) -> list[bytes]:
        parts = {b"*": star.encode(), b"%": percent.encode()}
        expression = b"".join(parts.get(part, escaped(part)) for part in re.split(rb"([*%])", pattern))
        try:
            return sorted(name for name in names if matches(expression, name, re.DOTALL))
        except re.error:
            return []

    assert right[tuple(asked)] == "PASS"
    monkeypatch.setattr(store, "matching", matching)
    assert verdicts(asked[:1], tmp_path)[tuple(asked)] in ("FAIL", "WARN")
