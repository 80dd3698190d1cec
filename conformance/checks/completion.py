"""Tags, completions, continuation requests, greeting and farewell (RFC 3501 sections 2.2, 3.4, 6.1 to 6.3, 7.1, 7.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.checks.base import HOLDS, Broken, Outcome
from conformance.model import CONVERSATIONS, LOGIN, OPENING, State

if TYPE_CHECKING:
    from conformance.model import View
    from conformance.response import Response


def completion_tag(view: View, response: Response) -> Outcome:
    """2.2.2: a completion bears the tag of a command in progress (an unknown one; see `one_completion` for a repeated one)."""
    if response.kind != "tagged" or view.uncertain or response.tag in view.completed:
        return None
    if response.tag in view.pending:
        return HOLDS
    waiting = ", ".join(view.pending) or "none: no command is in progress"
    return Broken("unknown-tag", f"a tag of a command in progress ({waiting})", f"the tag {response.tag}")


def one_completion(view: View, response: Response) -> Outcome:
    """2.2.2: one command, one completion."""
    if response.kind != "tagged" or view.uncertain:
        return None
    if response.tag in view.completed:
        again = f"another {response.name} for {response.tag}"
        return Broken("second-completion", "one completion for each command", again)
    return HOLDS if response.tag in view.pending else None


def continuation_when_due(view: View, response: Response) -> Outcome:
    """7.5: a continuation request comes when the server wants the rest of a command: a literal, or a SASL exchange."""
    if response.kind != "continuation" or view.uncertain:
        return None
    known = all(c.rule is not None or c.name in CONVERSATIONS for c in view.pending.values())
    if view.awaiting or any(c.name in CONVERSATIONS for c in view.pending.values()):
        return HOLDS
    if not known:  # some command of an extension may want it
        return None
    return Broken("not-due", "no continuation request: nothing is left to be sent", "+")


def preauth_only_greeting(view: View, response: Response) -> Outcome:
    """7.1.4: PREAUTH is one of the three greetings and nothing else."""
    if response.kind != "untagged" or response.name != "PREAUTH":
        return None
    if view.state is State.CONNECTED:
        return HOLDS
    return Broken("later", "PREAUTH only as the greeting", "* PREAUTH in the middle of a session")


def preauth_is_authenticated(view: View, response: Response) -> Outcome:
    """7.1.4: after PREAUTH the connection is authenticated, and no LOGIN is needed: none is accepted."""
    command = view.pending.get(response.tag or "") if response.kind == "tagged" else None
    if not view.preauth or command is None or command.name not in LOGIN:
        return None
    if response.name != "OK":
        return HOLDS
    return Broken("not-authenticated", f"{command.name} refused after PREAUTH", f"OK to {command.name}")


def closes_after_bye(view: View, response: Response) -> Outcome:
    """7.1.5: after a BYE that is no part of a logout the server closes the connection at once; nothing new is carried out."""
    if view.last_tags is None or view.uncertain:
        return None
    if response.kind != "tagged" or response.tag in view.last_tags or response.tag not in view.pending:
        return HOLDS
    return Broken(
        "goes-on", "the end of the connection after BYE", f"{response.name} to a command sent later"
    )


def tls_at_once(view: View, response: Response) -> Outcome:
    """6.2.1: behind the CRLF of the OK to STARTTLS the TLS negotiation begins: nothing more comes in clear."""
    if view.uncertain:
        return None
    if view.tls_due:
        return Broken(
            "in-clear", "nothing in clear behind the OK to STARTTLS", response.name or "another line"
        )
    return HOLDS if view.tls_fresh else None


def required_data(name: str, view: View, response: Response) -> Outcome:
    """6.1.1 to 6.4.8, "Responses": the untagged data that a command's tagged OK has to follow, one check per command."""
    command = view.pending.get(response.tag or "") if response.kind == "tagged" else None
    rule = command.rule if command else None
    if command is None or rule is None or command.name.removeprefix("UID ") != name or response.name != "OK":
        return None
    missing = [needed for needed in rule.needs if needed not in command.seen]
    if not missing:
        return HOLDS
    return Broken(
        "missing-" + "-".join(missing),
        f"untagged {', '.join(rule.needs)} before the tagged OK of {command.name}",
        f"no untagged {', '.join(missing)}",
    )


def examine_read_only(view: View, response: Response) -> Outcome:
    """6.3.2: the tagged OK of EXAMINE begins with [READ-ONLY]."""
    command = view.pending.get(response.tag or "") if response.kind == "tagged" else None
    if command is None or command.name != "EXAMINE" or response.name != "OK":
        return None
    if response.code is not None and response.code.name == "READ-ONLY":
        return HOLDS
    found = f"[{response.code.name}]" if response.code else "no response code"
    return Broken("no-read-only", "OK [READ-ONLY]", f"OK with {found}")


def recent_within_exists(view: View, response: Response) -> Outcome:
    r"""2.3.2: \Recent is a flag of messages, so no more messages have it than there are (asked when a mailbox was opened)."""
    command = view.pending.get(response.tag or "") if response.kind == "tagged" else None
    box = view.opening
    if command is None or command.name not in OPENING or response.name != "OK" or box is None:
        return None
    if box.exists is None or box.recent is None:
        return None
    if box.recent <= box.exists:
        return HOLDS
    return Broken("too-many", f"at most {box.exists} RECENT, as many as EXISTS", f"{box.recent} RECENT")


def bye_before_close(view: View, how: str) -> Outcome:
    """3.4: a server does not close the connection without an untagged BYE. (Where TLS has to begin, none can be sent.)

    A reset throws away what came before it and was not read yet, a BYE too: where input of ours was left unread.
    """
    if view.tls_due:
        return None
    if view.said_bye:
        return HOLDS
    if how == "reset":
        return None
    return Broken(
        "no-bye", "an untagged BYE before the server closes the connection", f"connection {how} without BYE"
    )
