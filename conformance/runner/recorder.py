"""Appends journal records to a file as they happen, without secrets.

A killed run leaves every record that was complete. Passwords are replaced in every form in which they can appear on the wire.
"""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeVar, get_args

from conformance import journal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conformance.journal import Record
    from conformance.servers.base import Account

MASK = "********"
#: Instead of a BASE64: "masked". What was well-formed stays it when it is read again.
MASK_ENCODED = "bWFza2Vk"

#: Fields that can hold what was on the wire or in a log; ids and scenario sources are ours and stay whole.
_EXPOSED = frozenset(
    {
        "octets",
        "note",
        "message",
        "expected",
        "actual",
        "log",
        "greeting",
        "error",
        "reason",
        "command",
        "values",
    }
)


#: Those of each kind of record.
_FIELDS = {
    kind: tuple(spec.name for spec in dataclasses.fields(kind) if spec.name in _EXPOSED)
    for kind in get_args(journal.Record)
}

Hidden = TypeVar("Hidden", bound="Record")


def disguises(accounts: Iterable[Account]) -> tuple[str, ...]:
    """Every form in which a password travels: plain, quoted, base64 alone and in the SASL PLAIN message. Longest first."""
    forms: set[str] = set()
    for account in accounts:
        secret = account.password
        for plain in (secret, secret.encode().decode("latin-1")):
            forms |= {plain, plain.replace("\\", "\\\\").replace('"', '\\"')}
        forms.add(base64.b64encode(secret.encode()).decode())
        forms |= {
            base64.b64encode(f"{authzid}\0{account.user}\0{secret}".encode()).decode()
            for authzid in ("", account.user)
        }
    return tuple(sorted((form for form in forms if form), key=len, reverse=True))


def redact(text: str, secrets: Iterable[str], mask: str = MASK) -> str:
    """`text` with every secret masked."""
    for secret in secrets:
        text = text.replace(secret, mask)
    return text


class Records(Protocol):
    """Where a play's records go."""

    def write(self, record: Record) -> None:
        """Take one record."""

    def conceal(self, secret: str) -> None:
        """Mask it from now on."""


class Unrecorded:
    """For connections that belong to no case: looking at the server, tidying up."""

    def write(self, record: Record) -> None:
        """Forget it."""

    def conceal(self, secret: str) -> None:
        """Nothing is shown anyway."""


class Recorder:
    """Writes records to `path`, one line each, flushed; keeps nothing in memory."""

    def __init__(self, path: Path, accounts: Iterable[Account] = ()) -> None:
        self._secrets = disguises(accounts)
        self._encoded: list[str] = []  #: longest first: one may be the end of another
        self._out: TextIO = path.open("a", encoding="utf-8")

    def write(self, record: Record) -> None:
        """Append one record."""
        self._out.write(journal.encode(self.hide(record)) + "\n")
        self._out.flush()

    def conceal(self, secret: str) -> None:
        """Mask this BASE64 of a secret as well from now on."""
        if secret and secret not in self._encoded:
            self._encoded = sorted([*self._encoded, secret], key=len, reverse=True)

    def hide(self, record: Hidden) -> Hidden:
        """The record without secrets, as it is written."""
        changes: dict[str, Any] = {}
        for name in _FIELDS[type(record)]:
            value = getattr(record, name)
            if value and (masked := self._mask(value)) != value:
                changes[name] = masked
        return dataclasses.replace(record, **changes) if changes else record

    def _mask(self, value: object) -> object:
        if isinstance(value, tuple):
            return tuple(self._mask(item) for item in value)
        if not isinstance(value, str):
            return value
        return redact(redact(value, self._encoded, MASK_ENCODED), self._secrets)

    def close(self) -> None:
        """Nothing more will be written."""
        self._out.close()
