"""The client's side of SASL mechanisms: a challenge in, a response out.

What a server says wrong is a `WrongError`; where we cannot go on for another reason, it is an `UnableError`.
Knows: mechanisms. Must not know: connections, IMAP, who is blamed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Protocol

from conformance.scenario.holes import shorten
from conformance.scenario.syntax import MECHANISMS

if TYPE_CHECKING:
    from collections.abc import Callable


class WrongError(Exception):
    """The server says what the mechanism does not allow; the message is a clause for the report."""


class UnableError(Exception):
    """The exchange cannot go on, and nobody is to blame; the message says why."""


class Mechanism(Protocol):
    """One exchange."""

    secrets: list[bytes]  #: of what was said or will be, what a record must not show

    def respond(self, challenge: bytes | None) -> bytes:
        """The response to the next challenge, None if that was no BASE64. Raises `WrongError` and `UnableError`.

        Where the client speaks first, it answers an empty challenge; others are not its business.
        """

    def succeeded(self) -> None:
        """The server says that all is well. Raises `WrongError` if it has not said before what it must."""


class _Fixed:
    """A mechanism whose responses depend on nothing that the server says."""

    def __init__(self, *responses: bytes) -> None:
        self.secrets = [responses[-1]]
        self._left = [*responses]

    def respond(self, challenge: bytes | None) -> bytes:
        del challenge
        if not self._left:
            raise WrongError("the server asks for more than the mechanism has")
        return self._left.pop(0)

    def succeeded(self) -> None:
        """It may also be content earlier."""


class _CramMd5:
    """RFC 2195."""

    def __init__(self, user: bytes, password: bytes) -> None:
        self.secrets: list[bytes] = []
        self._user, self._password = user, password
        self._challenge = b""

    def respond(self, challenge: bytes | None) -> bytes:
        if self._challenge:
            raise WrongError("the server sends a second challenge")
        challenge = _readable(challenge)
        if not challenge:
            raise WrongError("the challenge is empty")
        self._challenge = challenge
        digest = hmac.new(self._password, challenge, hashlib.md5).hexdigest()
        self.secrets.append(self._user + b" " + digest.encode())
        return self.secrets[-1]

    def succeeded(self) -> None:
        if not self._challenge:
            raise WrongError("the server is content without a response")


#: Digits of the number of rounds that we go through, some seconds' work. How many a server may ask for, no RFC says.
_ROUNDS = 7
_SERVER_FIRST = re.compile(
    r"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[A-Za-z0-9+/]+=*),i=(?P<rounds>[1-9][0-9]*)(?:,[A-Za-z]=[^,\0]+)*"
)
_SERVER_FINAL = re.compile(r"v=[A-Za-z0-9+/]+=*(?:,[A-Za-z]=[^,\0]+)*|e=[^,\0]+(?:,[A-Za-z]=[^,\0]+)*")


class _Scram:
    """RFC 5802 and 7677, without channel binding.

    `verifies`: the password is the server's as well; without that its signature cannot be told from a wrong one.
    """

    def __init__(self, mechanism: str, user: str, password: str, nonce: str, *, verifies: bool) -> None:
        import scramp  # noqa: PLC0415 - few cases need it, and every run would wait for it

        self.secrets: list[bytes] = []
        self._verifies = verifies
        self._nonce = nonce
        self._refused = scramp.ScramException
        try:
            self._client = scramp.ScramClient([mechanism], user, password, c_nonce=nonce)
        except self._refused as refused:
            raise UnableError(f"this user or password cannot be prepared for SCRAM: {refused}") from None
        self._steps: list[Callable[[bytes | None], str]] = [self._first, self._final, self._last]
        self._signed = False

    def respond(self, challenge: bytes | None) -> bytes:
        if not self._steps:
            raise WrongError("the server asks for more than the mechanism has")
        return self._steps.pop(0)(challenge).encode("utf-8")

    def succeeded(self) -> None:
        if self._verifies and not self._signed:
            raise WrongError("the server is content without having shown its signature")

    def _first(self, _: bytes | None) -> str:
        return str(self._client.get_client_first())

    def _final(self, challenge: bytes | None) -> str:
        said = _readable(challenge).decode("utf-8", "replace")
        found = _SERVER_FIRST.fullmatch(said)
        if found is None:
            raise WrongError(f"the server's first message is {shorten(said)}, expected was r=...,s=...,i=...")
        nonce = found["nonce"]
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise WrongError("the server's nonce does not continue the client's")
        if len(found["rounds"]) > _ROUNDS:
            raise UnableError(
                f"the server asks for {shorten(found['rounds'])} rounds of hashing, which takes too long"
            )
        try:
            self._client.set_server_first(said)
            answer = str(self._client.get_client_final())
        except self._refused as refused:
            raise UnableError(f"the library for SCRAM cannot go on: {refused}") from None
        self.secrets += [answer.encode(), b"v=" + base64.b64encode(self._client.server_signature)]
        return answer

    def _last(self, challenge: bytes | None) -> str:
        said = _readable(challenge).decode("utf-8", "replace")
        if not _SERVER_FINAL.fullmatch(said):
            if self._verifies:
                raise WrongError(f"the server's last message is {shorten(said)}, expected was v=... or e=...")
            return ""
        if said.startswith("v=") and self._verifies:
            try:
                self._client.set_server_final(said)
            except self._refused:
                raise WrongError("the server's signature is wrong") from None
            self._signed = True
        return ""


def _readable(challenge: bytes | None) -> bytes:
    """A challenge on which the response depends. What is no BASE64 is for an always-on check to say."""
    if challenge is None:
        raise UnableError("the challenge is no BASE64")
    return challenge


def mechanism(name: str, user: str, password: str, *, nonce: str, verifies: bool) -> Mechanism:
    """The exchange for a mechanism of `MECHANISMS`."""
    assert name in MECHANISMS
    match name:
        case "PLAIN":
            return _Fixed(f"\0{user}\0{password}".encode())
        case "LOGIN":
            return _Fixed(user.encode(), password.encode())
        case "EXTERNAL":
            return _Fixed(b"")
        case "CRAM-MD5":
            return _CramMd5(user.encode(), password.encode())
        case _:
            return _Scram(name, user, password, nonce, verifies=verifies)
