"""Words of the protocol: flags, capabilities and response codes that a server may say (RFC 3501 sections 6.2.2, 7.1, 7.2, 9)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome

if TYPE_CHECKING:
    from conformance.model import View
    from conformance.response import Response

#: What of a text shows how a server works inside -> its pattern.
_INSIDE = {
    "traceback": re.compile(
        rb"Traceback \(most recent|File \"[^\"]+\", line \d+|\(\w+\.(?:java|go|rs|c|cc|cpp|py):\d+\)"
    ),
    "exception": re.compile(rb"\b[A-Z][A-Za-z]+(?:Error|Exception)\b|\bpanic: "),
    "path": re.compile(rb"(?:(?<=[\s\"'(=:])|\A)/(?:etc|home|lib|opt|proc|root|srv|tmp|usr|var)/[\w./+-]+"),
}

#: Section 2.3.2, without \\Recent: the grammar knows where that may be.
_SYSTEM_FLAGS = ("\\ANSWERED", "\\FLAGGED", "\\DELETED", "\\SEEN", "\\DRAFT")
_MAY_SAY = frozenset({*_SYSTEM_FLAGS, "\\RECENT", "\\*"})

#: Response codes of RFC 3501, of RFC 5530, and others registered with IANA since.
_CODES = frozenset({
    "ALERT", "BADCHARSET", "CAPABILITY", "PARSE", "PERMANENTFLAGS", "READ-ONLY", "READ-WRITE",
    "TRYCREATE", "UIDNEXT", "UIDVALIDITY", "UNSEEN",
    "ALREADYEXISTS", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "CANNOT", "CLIENTBUG",
    "CONTACTADMIN", "CORRUPTION", "EXPIRED", "EXPUNGEISSUED", "INUSE", "LIMIT", "NONEXISTENT", "NOPERM",
    "OVERQUOTA", "PRIVACYREQUIRED", "SERVERBUG", "UNAVAILABLE",
    "ANNOTATE", "ANNOTATIONS", "APPENDUID", "BADCOMPARATOR", "BADEVENT", "BADURL", "CLOSED",
    "COMPRESSIONACTIVE", "COPYUID", "DOWNGRADED", "HASCHILDREN", "HIGHESTMODSEQ", "INPROGRESS",
    "JMAPACCESS", "MAILBOXID", "MAXCONVERTMESSAGES", "MAXCONVERTPARTS", "MESSAGELIMIT", "METADATA",
    "MODIFIED", "NEWNAME", "NOMODSEQ", "NOTIFICATIONOVERFLOW", "NOTSAVED", "NOUPDATE", "REFERRAL",
    "TEMPFAIL", "TOOBIG", "UIDNOTSTICKY", "UIDREQUIRED", "UNDEFINED-FILTER", "UNKNOWN-CTE", "URLMECH",
    "USEATTR",
})  # fmt: skip


def code_registered(response: Response) -> Outcome:
    """7.1: a response code that no RFC defines begins with X."""
    code = response.code
    if code is None:
        return None
    if code.name in _CODES or code.name.startswith("X"):
        return HOLDS
    return Broken(
        "unregistered", "a response code that an RFC defines, or one that begins with X", f"[{code.name}]"
    )


def text_for_people(view: View, response: Response) -> Outcome:
    """7.1: the text is for people. What a command in progress said itself may be repeated."""
    text = response.text if isinstance(response.text, bytes) and response.kind != "continuation" else None
    if text is None or view.uncertain:
        return None
    for kind, pattern in _INSIDE.items():
        found = pattern.search(text)
        if found and not any(found[0] in command.octets for command in view.pending.values()):
            return Broken(kind, "a text for people", found[0].decode("latin-1"))
    return HOLDS


def flag_extension(response: Response) -> Outcome:
    r"""9, flag-extension: the server offers no flags with a backslash but those of the RFC. (FETCH may echo a client's.)"""
    lists = [(place, flags) for place, flags in data.flag_lists(response) if place != "FETCH"]
    if not lists:
        return None
    for place, flags in lists:
        if others := [flag for flag in flags if flag.startswith("\\") and flag not in _MAY_SAY]:
            return Broken(
                f"in-{place}", "system flags of the RFC, and keywords without a backslash", others[0]
            )
    return HOLDS


def system_flags(response: Response) -> Outcome:
    """7.2.6: FLAGS lists the system flags at a minimum."""
    if response.name != "FLAGS":
        return None
    told = [flag for place, flags in data.flag_lists(response) if place == "FLAGS" for flag in flags]
    missing = [flag for flag in _SYSTEM_FLAGS if flag not in told]
    if not missing:
        return HOLDS
    return Broken("missing", "all system flags but \\Recent in FLAGS", f"no {', '.join(missing)}")


def imap4_first(response: Response) -> Outcome:
    """9, capability-data: a server that offers RFC 1730 compatibility lists IMAP4 first."""
    told = data.capabilities(response)
    if "IMAP4" not in told:
        return None
    if told[0] == "IMAP4":
        return HOLDS
    return Broken("not-first", "IMAP4 as the first capability", f"{told[0]} before it")


def challenge_base64(view: View, response: Response) -> Outcome:
    """6.2.2: what the server says in an authentication exchange is BASE64."""
    names = {command.name for command in view.pending.values()}
    if response.kind != "continuation" or response.problem is not None or names != {"AUTHENTICATE"}:
        return None
    if view.uncertain or view.awaiting:
        return None
    text = response.text if isinstance(response.text, bytes) else b""
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return Broken("not-base64", "a continuation request with BASE64 behind it", "other text")
    if response.code is not None:
        return Broken("not-base64", "a continuation request with BASE64 behind it", "a response code")
    return HOLDS
