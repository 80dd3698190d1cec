"""Capabilities: their names, and that they are told alike (RFC 3501 section 7.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.model import LOGIN

if TYPE_CHECKING:
    from conformance.model import View
    from conformance.response import Response

#: Registered with IANA, the obsolete ones too. Of a name with "=" only what is before it: which values there are is another registry's.
_REGISTERED = frozenset({
    "ACL", "ANNOTATE-EXPERIMENT-1", "APPENDLIMIT", "AUTH", "BINARY", "CATENATE", "CHILDREN", "COMPRESS", "CONDSTORE",
    "CONTEXT", "CONVERT", "CREATE-SPECIAL-USE", "ENABLE", "ESEARCH", "ESORT", "FILTERS", "I18NLEVEL", "ID", "IDLE",
    "IMAP4", "IMAP4REV1", "IMAP4REV2", "IMAPSIEVE", "INPROGRESS", "JMAPACCESS", "LANGUAGE", "LIST-EXTENDED",
    "LIST-METADATA", "LIST-MYRIGHTS", "LIST-STATUS", "LITERAL+", "LITERAL-", "LOGIN-REFERRALS", "LOGINDISABLED",
    "MAILBOX-REFERRALS", "MESSAGELIMIT", "METADATA", "METADATA-SERVER", "MOVE", "MULTIAPPEND", "MULTISEARCH",
    "NAMESPACE", "NOTIFY", "OBJECTID", "PARTIAL", "PREVIEW", "QRESYNC", "QUOTA", "QUOTASET", "REPLACE", "RIGHTS",
    "SASL-IR", "SAVEDATE", "SAVELIMIT", "SEARCH", "SEARCHRES", "SORT", "SPECIAL-USE", "STARTTLS", "STATUS", "THREAD",
    "UIDBATCHES", "UIDONLY", "UIDPLUS", "UNAUTHENTICATE", "UNSELECT", "URL-PARTIAL", "URLAUTH", "UTF8", "WITHIN",
})  # fmt: skip


#: Other capabilities may be told in the answer to these.
_CHANGING = LOGIN | {"STARTTLS"}


def the_same(view: View, response: Response) -> Outcome:
    """7.2.1: capabilities that are told unasked spare the client the CAPABILITY command: they are what it would tell.

    Asked where nothing has happened in between that may change them.
    """
    told = frozenset(data.capabilities(response))
    if not told or view.capabilities is None or view.capabilities_in is not view.state:
        return None
    if view.uncertain or view.extended or any(c.name in _CHANGING for c in view.pending.values()):
        return None
    if told == view.capabilities:
        return HOLDS
    other = ", ".join(sorted(told ^ view.capabilities))
    return Broken("differs", "the capabilities that were told before in this state", f"other ones: {other}")


def registered(response: Response) -> Outcome:
    """7.2.1: a capability is registered, or begins with X."""
    told = data.capabilities(response)
    if not told:
        return None
    for name in told:
        if name.partition("=")[0] not in _REGISTERED and not name.startswith("X"):
            return Broken("unregistered", "capabilities that are registered, or begin with X", name)
    return HOLDS
