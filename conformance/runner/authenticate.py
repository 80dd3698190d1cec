"""A whole AUTHENTICATE exchange on a connection."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from conformance.runner.sasl import UnableError, WrongError

if TYPE_CHECKING:
    from conformance.response import Response
    from conformance.runner.client import Client
    from conformance.runner.sasl import Mechanism


def converse(client: Client, tag: str, exchange: Mechanism, line: int) -> None:
    """Answer the challenges of AUTHENTICATE, just sent with this tag, until it completes, however that is, or nothing more comes.

    Raises `WrongError` and `UnableError`, in which case the exchange has been cancelled.
    """
    since, challenges = len(client.seen), 0
    try:
        while (challenge := _challenge(client, tag, since, challenges, line)) is not None:
            challenges += 1
            response = exchange.respond(_decoded(challenge))
            for secret in exchange.secrets:
                client.conceal(base64.b64encode(secret))
            client.answer(base64.b64encode(response), line)
        completion = client.completion(tag)
        if completion is not None and completion.response.name == "OK":
            exchange.succeeded()
    except (WrongError, UnableError):
        if client.completion(tag) is None:
            client.answer(b"*", line)
            client.wait_for(tag, line)
        raise


def _challenge(client: Client, tag: str, since: int, number: int, line: int) -> Response | None:
    """A continuation request since the command was sent; None if the command is complete, or nothing comes."""

    def found() -> list[Response]:
        return [seen.response for seen in client.seen[since:] if seen.response.kind == "continuation"]

    client.wait(lambda: client.completion(tag) is not None or len(found()) > number, line=line)
    challenges = found()
    return challenges[number] if len(challenges) > number and client.completion(tag) is None else None


def _decoded(challenge: Response) -> bytes | None:
    """What a challenge says, None if it is no BASE64."""
    if challenge.code is not None:
        return None
    try:
        return base64.b64decode(challenge.text if isinstance(challenge.text, bytes) else b"", validate=True)
    except binascii.Error:
        return None
