"""The UIDs of a mailbox as far as a server has told them. Sans I/O.

Whatever a server says, and however often, this takes little memory and little time: nine octets a message, and nothing that grows
with their number in Python.
"""

from __future__ import annotations

from array import array

#: Messages of higher numbers are not remembered.
MESSAGES = 1 << 20
_HIGHEST_UID = 2**32 - 1
_KNOWN = b"\1"


class UIDs:
    """Message number -> UID; EXPUNGE moves the numbers."""

    def __init__(self) -> None:
        self._uids = array("Q")
        self._known = bytearray()  #: for each message whether its UID is known

    def __len__(self) -> int:
        """The highest number that is remembered."""
        return len(self._known)

    def get(self, number: int) -> int | None:
        """The UID of a message, if it was told."""
        known = 0 < number <= len(self._known) and self._known[number - 1]
        return self._uids[number - 1] if known else None

    def put(self, number: int, uid: int) -> None:
        """The server has told it."""
        if not (0 < number <= MESSAGES and 0 <= uid <= _HIGHEST_UID):
            return
        missing = number - len(self._known)
        if missing > 0:
            self._known.extend(bytes(missing))
            self._uids.frombytes(bytes(missing * self._uids.itemsize))
        self._known[number - 1] = 1
        self._uids[number - 1] = uid

    def below(self, number: int) -> int:
        """The nearest lower message whose UID is known, 0 if there is none."""
        return self._known.rfind(_KNOWN, 0, max(0, number - 1)) + 1

    def above(self, number: int) -> int:
        """The nearest higher message whose UID is known, 0 if there is none."""
        return self._known.find(_KNOWN, max(0, number)) + 1

    def expunge(self, number: int) -> None:
        """Every higher number becomes one less (RFC 3501 section 7.4.1)."""
        if 0 < number <= len(self._known):
            del self._known[number - 1]
            del self._uids[number - 1]
