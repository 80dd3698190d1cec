"""Recorded connections, played back."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.errors import TargetError, UsageError
from conformance.journal import Cut, Step
from conformance.recording import Recording, RecordingDialer
from conformance.transport import SILENCE, Ended


def steps(*events: tuple[str, str, str] | tuple[str, str], **changes: Any) -> list[Step]:
    """Steps from (connection, kind, octets or note)."""
    made = []
    for n, (connection, kind, *text) in enumerate(events, 1):
        field = "note" if kind == "end" else "octets"
        values: dict[str, Any] = {field: text[0] if text else "", **changes}
        made.append(Step("case", 1, n, connection, kind, 0.0, "", **values))  # type: ignore[arg-type]
    return made


def recording(*events: tuple[str, str] | tuple[str]) -> Recording:
    played = steps(*(("A", *event) for event in events))
    return RecordingDialer(played).connect("A", 1)


def test_octets_silence_and_the_end_come_in_their_order() -> None:
    played = recording(("connect",), ("receive", "* OK \xff\r\n"), ("silence",), ("end", "reset: by peer"))
    assert played.receive(1) == b"* OK \xff\r\n"
    assert played.receive(1) is SILENCE
    assert played.receive(1) == Ended("reset", "by peer")
    assert played.receive(0) == Ended("reset", "by peer")


def test_answers_wait_for_as_many_sends_as_in_the_recorded_run() -> None:
    played = recording(
        ("connect",),
        ("send", "a NOOP\r\n"),
        ("receive", "a OK\r\n"),
        ("send", "b NOOP\r\n"),
        ("receive", "b OK\r\n"),
    )
    assert played.receive(0) is SILENCE
    assert played.send(b"other octets") is None
    assert played.receive(0) == b"a OK\r\n"
    assert played.receive(0) is SILENCE
    assert played.send(b"") is None
    assert played.receive(0) == b"b OK\r\n"
    assert played.receive(0) == Ended("closed", "the recording ends here")


def test_more_sends_than_recorded_do_no_harm() -> None:
    played = recording(("connect",), ("send", "ab"), ("receive", "1"), ("receive", "2"))
    for octet in (b"a", b"b"):
        played.send(octet)
    assert [played.receive(1), played.receive(1)] == [b"1", b"2"]


def test_a_poll_does_not_use_up_a_recorded_silence() -> None:
    played = recording(("connect",), ("silence",), ("receive", "1"))
    assert played.receive(0) is SILENCE
    assert played.receive(0) is SILENCE
    assert played.receive(5) is SILENCE
    assert played.receive(5) == b"1"


def test_starttls_has_its_recorded_outcome() -> None:
    played = recording(
        ("connect",), ("send", "a STARTTLS\r\n"), ("receive", "a OK\r\n"), ("tls",), ("receive", "inside")
    )
    played.send(b"a STARTTLS\r\n")
    assert played.receive(1) == b"a OK\r\n"
    assert played.receive(1) is SILENCE
    assert (played.encrypted, played.start_tls(1), played.encrypted) == (False, None, True)
    assert played.receive(1) == b"inside"
    assert played.start_tls(1) == Ended("tls", "the recorded run did not begin TLS here")


def test_a_handshake_that_failed_fails_again() -> None:
    played = recording(("connect",), ("end", "tls: no common cipher"))
    assert played.start_tls(1) == Ended("tls", "no common cipher")
    assert not played.encrypted


def test_a_connection_that_was_encrypted_from_the_start_is() -> None:
    assert recording(("connect",), ("tls",), ("receive", "* OK\r\n")).encrypted


def test_connections_are_told_apart_by_name_and_by_turn() -> None:
    dialer = RecordingDialer(
        steps(
            ("A", "connect"), ("B", "connect"), ("B", "receive", "b"), ("A", "receive", "a1"), ("A", "close"),
            ("A", "connect"), ("A", "receive", "a2"),
        )
    )  # fmt: skip
    first, other, second = dialer.connect("A", 1), dialer.connect("B", 1), dialer.connect("A", 1)
    assert [first.receive(1), other.receive(1), second.receive(1)] == [b"a1", b"b", b"a2"]
    first.close()
    with pytest.raises(TargetError, match="no further connection A"):
        dialer.connect("A", 1)


def test_octets_that_were_cut_cannot_be_played_back() -> None:
    with pytest.raises(UsageError, match="step 1 was too long for the journal"):
        RecordingDialer(steps(("A", "receive", "x"), cut=Cut(100_000, "hash")))
    RecordingDialer(steps(("A", "send", "x"), cut=Cut(100_000, "hash")))
