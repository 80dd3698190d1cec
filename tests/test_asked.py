"""What is read from a command that was sent."""

from __future__ import annotations

import pytest

from conformance import asked
from conformance.memory import Memory, Message, essence
from conformance.response import List, Nil, Number, String


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (b"SELECT inbox\r\n", b"INBOX"),
        (b'EXAMINE "a \\"b\\""\r\n', b'a "b"'),
        (b"SELECT {3}\r\nabc\r\n", b"abc"),
        (b"STATUS a/b (MESSAGES)\r\n", b"a/b"),
        (b"SELECT {3}\r\n", None),
        (b"SELECT\r\n", None),
        (b'SELECT "a\r\n', None),
    ],
)
def test_the_mailbox_of_a_command(command: bytes, name: bytes | None) -> None:
    assert asked.mailbox(command) == name


@pytest.mark.parametrize(
    ("command", "items"),
    [
        ("FETCH 1 FLAGS", "FLAGS"),
        (
            "fetch 1 (flags body.peek[header.fields (to Date)]<5.10>)",
            "FLAGS|BODY[HEADER.FIELDS (DATE TO)]<5>",
        ),
        ("FETCH 1 BODY[]", "BODY[]"),
        ("FETCH 1 FAST", "FLAGS|INTERNALDATE|RFC822.SIZE"),
        ("FETCH 1 (BODY[1] X-GM-MSGID RFC822)", "RFC822"),
        ("UID FETCH 1 ENVELOPE", "ENVELOPE|UID"),
    ],
)
def test_the_items_of_a_fetch(command: str, items: str) -> None:
    found = asked.fetch(command.encode() + b"\r\n")
    assert found is not None
    assert found.items == set(items.split("|"))


@pytest.mark.parametrize(
    "command",
    [
        "FETCH 1 (BODY[]<5>)",
        "FETCH 1 (FLAGS) (CHANGEDSINCE 7)",
        "FETCH 1 (BODY[1])",
        "FETCH 1 (BODY[HEADER.FIELDS ({1}",
        'FETCH 1 (BODY[HEADER.FIELDS ("A")])',
        "FETCH $ FLAGS",
        "FETCH 1 (FLAGS",
        "FETCH 1",
    ],
)
def test_of_what_is_not_understood_nothing_is_demanded(command: str) -> None:
    assert asked.fetch(command.encode() + b"\r\n") is None


def test_a_message_is_complete_when_all_has_come_in_whatever_pieces() -> None:
    fetch = asked.fetch(b"FETCH 3:2,5:*,* (UID FLAGS)\r\n")
    assert fetch is not None
    fetch.exists = 6
    for number in (2, 5, 6):
        fetch.hears(number, frozenset({"UID", "FLAGS", "MODSEQ"}))
    assert fetch.missing() == 3
    fetch.hears(3, frozenset({"FLAGS"}))
    assert fetch.missing() == 3
    fetch.hears(3, frozenset({"UID"}))
    assert fetch.missing() is None
    assert not fetch.partly


def test_what_says_nothing_of_a_message_is_not_held_against_what_does() -> None:
    assert essence("BODY[]", Nil()) is essence("BODY[]", String(b"")) is None
    assert essence("RFC822.SIZE", Number(0)) is essence("ENVELOPE", List((Nil(), Nil()))) is None


def test_an_instant_is_the_same_in_any_zone() -> None:
    dates = (b"17-Jul-1996 02:44:25 -0700", b"17-jul-1996 09:44:25 +0000", b"17-Jul-1996 15:14:25 +0530")
    assert len({essence("INTERNALDATE", String(date)) for date in dates}) == 1
    assert essence("INTERNALDATE", String(b"31-Feb-1996 02:44:25 -0700")) is not None


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    memory = Memory()
    for uid in range(1, 30_000):
        memory.take(Message(b"a", 1, uid), "RFC822.SIZE", Number(uid))
        memory.take_next_uid(b"%d" % uid, 1, uid)
    assert memory.told(Message(b"a", 1, 1), "RFC822.SIZE") is None
    assert memory.told(Message(b"a", 1, 29_999), "RFC822.SIZE") == b"29999"
    assert memory.next_uid(b"1", 1) is None
    assert memory.moment == 29_999
