"""The reader for rewriting gives back what it read, and knows what it does not know."""

from __future__ import annotations

import pytest
from octets import data, status

READ = (
    b"* 3 EXISTS\r\n",
    b"* FLAGS (\\Seen $x)\r\n",
    b"* FLAGS ()\r\n",
    b'* LIST (\\Noselect) "/" "a \\"b\\\\"\r\n',
    b"* LSUB () NIL {3}\r\na\r\n\r\n",
    b'* STATUS "x y" (MESSAGES 0 UNSEEN 1)\r\n',
    b"* SEARCH\r\n",
    b"* SEARCH 3 2\r\n",
    b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
    b'* 1 FETCH (BODY[HEADER.FIELDS (DATE "x y")]<0> {2}\r\n\r\n UID 3 FLAGS ())\r\n',
    b'* 1 FETCH (BODYSTRUCTURE (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1)("A" "B" NIL NIL NIL "7BIT" 3) "MIXED"))\r\n',
    b'* 1 FETCH (ENVELOPE (NIL "" (("a" NIL "b" "c")(NIL NIL "d" "e")) NIL NIL NIL NIL NIL NIL NIL))\r\n',
)


@pytest.mark.parametrize("octets", READ)
def test_what_is_read_is_written_again(octets: bytes) -> None:
    told = data(octets)
    assert told is not None
    assert told.octets == octets


@pytest.mark.parametrize(
    "octets",
    [b"* 3 FETCH (UID)\r\n", b"* 1 FETCH (UID 2\r\n", b"* X (1)\r\n", b"* OK 3 EXISTS\r\n", b"* LIST () x\r\n", b"* \r\n",
     b"* SEARCH  1\r\n", b'* SEARCH "1"\r\n', b"+ x\r\n", b"a OK\r\n", b"* 3 EXISTS", b"* 1 FETCH (BODY[X y] NIL)\r\n"],
)  # fmt: skip
def test_what_it_does_not_know_it_leaves_alone(octets: bytes) -> None:
    assert data(octets) is None


def test_status_responses() -> None:
    said = status(b"a OK [READ-ONLY] done [x]\r\n")
    assert said is not None
    assert (said.tag, said.word, said.code_name, said.text) == (b"a", b"OK", b"READ-ONLY", b"done [x]")
    assert said.octets == b"a OK [READ-ONLY] done [x]\r\n"
    assert status(b"* bye x\r\n") is not None
    for other in (
        b"a OK\r\n",
        b"* OK [X\r\n",
        b'* NO [BADCHARSET ("]")] x\r\n',
        b"* 1 EXISTS\r\n",
        b"+ OK x\r\n"[:4],
    ):
        assert status(other) is None
