"""Ways for the miniature server to be wrong, and one for each always-on requirement at least.

Each of `FAULTS` shows up in a session that is in order, `WALK` if it names no other; `value_faults` has more. Must not import the
package: requirements are names here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from miniature import HANG_UP, STAY, Command, Reply, Wrong

Change = Callable[[Command, list[bytes]], list[Reply]]

#: What the faults below wait for: the last commands change nothing that a later one would show again.
WALK = """\
title: A session in which every command is in order
proves: rfc3501/2.2.2/stays-in-step
state: created
messages: 3

C: CAPABILITY
S: OK
C: STATUS ${mailbox} (MESSAGES)
S: OK
C: EXAMINE ${mailbox}
S: OK
C: SELECT ${mailbox}
S: OK
C: FETCH 1:* (UID)
S: OK
C: UID FETCH 1:* (FLAGS)
S: OK
C: APPEND ${mailbox} {text "a\\r\\n\\r\\nb\\r\\n"}
S: OK
C: SEARCH ALL
S: OK
C: UID SEARCH ALL
S: OK
C: FETCH 1 (FLAGS)
S: OK
C: STORE 1 +FLAGS (\\Deleted)
S: OK
C: EXPUNGE
S: OK
C: FETCH 1 (BODY.PEEK[])
S: OK
C: CHECK
S: OK
C: LOGOUT
S: OK
S: end
"""

#: A session over TLS.
OVER_TLS = """\
title: A session that changes to TLS
proves: rfc3501/2.2.2/stays-in-step
state: greeted
requires: STARTTLS

C: STARTTLS
S: OK
tls
C: NOOP
S: OK
"""

#: A session in which somebody logs in who is logged in.
SECOND_LOGIN = """\
title: A second login
proves: rfc3501/2.2.2/stays-in-step
state: authenticated

C: LOGIN ${user} ${password}
S: OK | BAD
"""


def on(beginning: str | tuple[str, ...], change: Change) -> Wrong:
    """Change what is replied to commands that begin so ("greeting" and "continuation" are meant as they stand)."""

    def wrong(command: Command, replies: list[bytes]) -> list[Reply]:
        text = command.name if command.name.islower() else command.octets.decode("latin-1")
        return change(command, replies) if text.startswith(beginning) else [*replies]

    return wrong


def both(one: Wrong, other: Wrong) -> Wrong:
    """One wrong after the other; the first must leave replies only."""
    return lambda command, replies: other(command, [r for r in one(command, replies) if isinstance(r, bytes)])


def before(*lines: bytes) -> Change:
    """Say something more."""
    return lambda _, replies: [*lines, *replies]


def behind(*lines: bytes) -> Change:
    """Say something more when the command is complete."""
    return lambda _, replies: [*replies, *lines]


def instead(*lines: Reply) -> Change:
    """Say something else."""
    return lambda _, __: [*lines]


def completing(how: str) -> Change:
    """Complete in another way."""
    return lambda command, replies: [*replies[:-1], command.completed(how)]


def without(words: bytes) -> Change:
    """Leave out the replies with these words."""

    def change(_: Command, replies: list[bytes]) -> list[Reply]:
        left = [reply for reply in replies if words not in reply]
        assert left != replies, f"nobody says {words!r}"
        return [*left]

    return change


def replacing(*pairs: tuple[bytes, bytes]) -> Change:
    """Say some words in another way, in one pass over the whole reply."""

    def change(_: Command, replies: list[bytes]) -> list[Reply]:
        octets, left = b"", b"".join(replies)
        for old, new in pairs:
            head, found, left = left.partition(old)
            assert found, f"nobody says {old!r}"
            octets += head + new
        return [octets + left]

    return change


def backwards(_: Command, replies: list[bytes]) -> list[Reply]:
    """Say it in the wrong order."""
    return [*reversed(replies)]


def hanging_up(*lines: bytes) -> Change:
    """Say something else and close the connection."""
    return instead(*lines, HANG_UP)


def staying(_: Command, replies: list[bytes]) -> list[Reply]:
    """Say it and do not do it."""
    return [*replies, STAY]


silent = instead()


def twice(command: Command, replies: list[bytes]) -> list[Reply]:
    """Complete twice."""
    return [*replies, command.completed("OK again")]


def preauth(command: Command, _: list[bytes]) -> list[Reply]:
    """Greet with PREAUTH."""
    command.connection.user = command.connection.server.users["alice"]
    return [b"* PREAUTH alice\r\n"]


RESPONSE = "9/response-syntax"


class Fault(NamedTuple):
    """A way of being wrong. `observed` is what the check calls it, "" for what the grammar calls it."""

    requirement: str
    observed: str
    wrong: Wrong
    also: str = ""  #: a requirement that cannot but be broken with it
    walk: str = WALK  #: the session in which it shows


def _opening(section: str, command: str, data: str) -> Fault:
    return Fault(
        f"rfc3501/{section}/required-data", f"missing-{data}", on(command, without(f" {data}".encode()))
    )


def _syntax(wrong: Wrong, requirement: str = RESPONSE) -> Fault:
    return Fault(f"rfc3501/{requirement}", "", wrong)


#: What the server does -> the requirement that it breaks, and how.
FAULTS = {
    "completes a command that nobody sent": Fault(
        "rfc3501/2.2.2/completion-tag", "unknown-tag", on("CHECK", before(b"zz9 OK done\r\n"))
    ),
    "completes a command twice": Fault(
        "rfc3501/2.2.2/one-completion", "second-completion", on("CHECK", twice)
    ),
    "gives a message another UID": Fault(
        "rfc3501/2.3.1.1/uid-constant", "changed", on("UID FETCH", replacing((b"UID 3", b"UID 9")))
    ),
    "has UIDs that descend": Fault(
        "rfc3501/2.3.1.1/uid-ascending",
        "not-ascending",
        on(("FETCH 1:*", "UID FETCH"), replacing((b"UID 3", b"UID 1"))),
    ),
    "has UIDs that descend, and tells the last message first": Fault(
        "rfc3501/2.3.1.1/uid-ascending",
        "not-ascending",
        on(
            ("FETCH 1:*", "UID FETCH"),
            lambda command, replies: replacing((b"UID 1", b"UID 9"))(
                command, [*reversed(replies[:-1]), replies[-1]]
            ),
        ),
        also="rfc3501/2.3.1.1/uidnext-above-uids",
    ),
    "changes UIDVALIDITY under our feet": Fault(
        "rfc3501/2.3.1.1/uidvalidity-constant",
        "changed",
        on("CHECK", before(b"* OK [UIDVALIDITY 7] new\r\n")),
    ),
    "has more recent messages than messages": Fault(
        "rfc3501/2.3.2/recent-within-exists", "too-many", on("SELECT", replacing((b"3 RECENT", b"4 RECENT")))
    ),
    "loses messages without EXPUNGE": Fault(
        "rfc3501/5.2/exists-never-shrinks", "shrinks", on("CHECK", before(b"* 2 EXISTS\r\n"))
    ),
    "does not answer CAPABILITY": Fault(
        "rfc3501/6.1.1/capability-required", "missing-CAPABILITY", on("CAPABILITY", without(b"* CAPABILITY"))
    ),
    "says BYE behind the OK of LOGOUT": Fault(
        "rfc3501/6.1.3/bye-before-ok", "missing-BYE", on("LOGOUT", backwards)
    ),
    "SELECT without FLAGS": _opening("6.3.1", "SELECT", "FLAGS"),
    "SELECT without EXISTS": _opening("6.3.1", "SELECT", "EXISTS"),
    "SELECT without RECENT": _opening("6.3.1", "SELECT", "RECENT"),
    "EXAMINE without FLAGS": _opening("6.3.2", "EXAMINE", "FLAGS"),
    "EXAMINE without EXISTS": _opening("6.3.2", "EXAMINE", "EXISTS"),
    "EXAMINE without RECENT": _opening("6.3.2", "EXAMINE", "RECENT"),
    "EXAMINE without READ-ONLY": Fault(
        "rfc3501/6.3.2/read-only-code", "no-read-only", on("EXAMINE", completing("OK done"))
    ),
    "EXAMINE with READ-WRITE": Fault(
        "rfc3501/6.3.2/read-only-code", "no-read-only", on("EXAMINE", completing("OK [READ-WRITE] done"))
    ),
    "does not answer STATUS": Fault(
        "rfc3501/6.3.10/status-required", "missing-STATUS", on("STATUS", without(b"* STATUS"))
    ),
    "does not answer SEARCH": Fault(
        "rfc3501/6.4.4/search-required", "missing-SEARCH", on("SEARCH", without(b"* SEARCH"))
    ),
    "does not answer UID SEARCH": Fault(
        "rfc3501/6.4.4/search-required", "missing-SEARCH", on("UID SEARCH", without(b"* SEARCH"))
    ),
    "greets in the middle of the session": Fault(
        "rfc3501/7.1.4/preauth-only-greeting",
        "later",
        on("CHECK", before(b"* PREAUTH again\r\n")),
        also="rfc3501/7.1/status-syntax",
    ),
    "is no IMAP4rev1 server": Fault(
        "rfc3501/7.2.1/imap4rev1", "absent", on("CAPABILITY", replacing((b"IMAP4rev1", b"IMAP4")))
    ),
    "is no IMAP4rev1 server when it greets": Fault(
        "rfc3501/7.2.1/imap4rev1", "absent", on("greeting", instead(b"* OK [CAPABILITY IMAP4] miniature\r\n"))
    ),
    "expunges a message that is not there": Fault(
        "rfc3501/7.4.1/expunge-in-range",
        "out-of-range",
        on("EXPUNGE", replacing((b"1 EXPUNGE", b"5 EXPUNGE"))),
    ),
    "expunges during FETCH": Fault(
        "rfc3501/7.4.1/no-expunge-during-fetch",
        "during-FETCH",
        on("FETCH 1 (FLAGS)", before(b"* 4 EXPUNGE\r\n")),
    ),
    "expunges during STORE": Fault(
        "rfc3501/7.4.1/no-expunge-during-fetch", "during-STORE", on("STORE", before(b"* 4 EXPUNGE\r\n"))
    ),
    "expunges during SEARCH": Fault(
        "rfc3501/7.4.1/no-expunge-during-fetch", "during-SEARCH", on("SEARCH", before(b"* 4 EXPUNGE\r\n"))
    ),
    "expunges while nothing is in progress": Fault(
        "rfc3501/7.4.1/no-expunge-without-command", "idle", on("CHECK", behind(b"* 1 EXPUNGE\r\n"))
    ),
    "tells of a message that is not there": Fault(
        "rfc3501/7.4.2/fetch-in-range", "out-of-range", on("CHECK", before(b"* 4 FETCH (FLAGS ())\r\n"))
    ),
    "wants more of a command that is complete": Fault(
        "rfc3501/7.5/continuation-when-due", "not-due", on("CHECK", before(b"+ more\r\n"))
    ),
    "leaves without BYE": Fault("rfc3501/3.4/bye-before-close", "no-bye", on("CHECK", hanging_up())),
    "greets in a way of its own": Fault(
        "rfc3501/7.1/greeting", "", on("greeting", instead(b"* HELLO miniature\r\n"))
    ),
    "greets like a mail server": Fault(
        "rfc3501/7.1/greeting", "", on("greeting", instead(b"220 miniature\r\n"))
    ),
    "logs in who is logged in by PREAUTH": Fault(
        "rfc3501/7.1.4/preauth-is-authenticated",
        "not-authenticated",
        both(on("greeting", preauth), on("LOGIN", completing("OK done"))),
        walk=SECOND_LOGIN,
    ),
    "tags a PREAUTH": Fault(
        "rfc3501/7.1.4/always-untagged", "", on("CHECK", before(b"zz9 PREAUTH again\r\n"))
    ),
    "tags a BYE": Fault("rfc3501/7.1.5/always-untagged", "", on("CHECK", before(b"zz9 BYE x\r\n"))),
    "says BYE and goes on": Fault(
        "rfc3501/7.1.5/closes-after-bye", "goes-on", on("CHECK", before(b"* BYE tired\r\n"))
    ),
    "says more in clear when TLS has to begin": Fault(
        "rfc3501/6.2.1/tls-at-once", "in-clear", on("STARTTLS", behind(b"* OK now\r\n")), walk=OVER_TLS
    ),
    "has other capabilities than it told at login": Fault(
        "rfc3501/7.2.1/automatic-capabilities",
        "differs",
        on("LOGIN", completing("OK [CAPABILITY IMAP4rev1 LITERAL+] done")),
    ),
    "can change a flag that it does not know": Fault(
        "rfc3501/7.1/permanentflags-known",
        "unknown-flag",
        on("SELECT", replacing((b"[PERMANENTFLAGS (", b"[PERMANENTFLAGS (odd "))),
    ),
    "has an unseen message that is not there": Fault(
        "rfc3501/7.1/unseen-within-exists",
        "no-such-message",
        on("SELECT", before(b"* OK [UNSEEN 4] the first\r\n")),
    ),
    "finds, and does not know the charset": Fault(
        "rfc3501/7.1/badcharset-of-search", "success", on("SEARCH", completing("OK [BADCHARSET] done"))
    ),
    "says an untagged OK without a space": _syntax(
        on("CHECK", before(b"* OK[ALERT] x\r\n")), "7.1/status-syntax"
    ),
    "completes without a text": Fault("rfc3501/7.1/text-present", "", on("CHECK", completing("OK"))),
    "has 8-bit characters in a quoted string of an envelope": Fault(
        "rfc3501/7.4.2/headers-7-bit",
        "",
        on("CHECK", before(b'* 1 FETCH (ENVELOPE (NIL "K\xe4se" NIL NIL NIL NIL NIL NIL NIL NIL))\r\n')),
    ),
    "ends a line with LF alone": _syntax(on("CHECK", before(b"* OK x\n")), "7.1/status-syntax"),
    "says what is no response": _syntax(on("CHECK", before(b"* NOTHING\r\n"))),
    "says nothing in a line": _syntax(on("CHECK", before(b"\r\n"))),
    "does not close a list": _syntax(
        on("SELECT", replacing((b"\\Draft)\r\n* 3", b"\\Draft\r\n* 3"))), "7.2.6/flags-syntax"
    ),
    "has two spaces between numbers": _syntax(
        on("SEARCH", replacing((b"1 2", b"1  2"))), "7.2.5/search-syntax"
    ),
    "has a NUL in a string": _syntax(on("STATUS", replacing((b'-box"', b'-box\0"'))), "7.2.4/status-syntax"),
    "counts a literal wrong": _syntax(
        on("FETCH 1 (BODY.PEEK[])", before(b"* 1 FETCH (BODY[] {2}\r\nabc)\r\n")), "7.4.2/fetch-syntax"
    ),
    "has a space at the end of its capabilities": _syntax(
        on("CAPABILITY", replacing((b"AUTH=PLAIN", b"AUTH=PLAIN "))), "7.2.1/capability-syntax"
    ),
    "tells of a mailbox whose name is not quoted": _syntax(
        on("CHECK", before(b'* LIST () "/" a b\r\n')), "7.2.2/list-syntax"
    ),
    "has an empty delimiter": _syntax(on("CHECK", before(b'* LSUB () "" a\r\n')), "7.2.3/lsub-syntax"),
    "has a space behind EXISTS": _syntax(
        on("SELECT", replacing((b"3 EXISTS", b"3 EXISTS "))), "7.3.1/exists-syntax"
    ),
    "has a space behind RECENT": _syntax(on("CHECK", before(b"* 0 RECENT \r\n")), "7.3.2/recent-syntax"),
    "has a space behind EXPUNGE": _syntax(on("CHECK", before(b"* 1 EXPUNGE \r\n")), "7.4.1/expunge-syntax"),
    "wants more in 8-bit": _syntax(on("continuation", instead(b"+ m\xe4hr\r\n")), "7.5/continuation-syntax"),
}
