"""Names of capabilities that a server may list (RFC 3501 section 7.2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks import data
from conformance.checks.base import HOLDS, Broken, Outcome

if TYPE_CHECKING:
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


def registered(response: Response) -> Outcome:
    """7.2.1: a capability is registered, or begins with X."""
    told = data.capabilities(response)
    if not told:
        return None
    for name in told:
        if name.partition("=")[0] not in _REGISTERED and not name.startswith("X"):
            return Broken("unregistered", "capabilities that are registered, or begin with X", name)
    return HOLDS
