r"""Scenarios with each kind of expectation, and the servers that do not meet it.

A row is a scenario whose decisive line is marked `# here`, what the correct server gets for it, and what others get: the verdict,
what was observed (the last part of the signature), and words that a report has to show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from faults import (
    backwards,
    before,
    behind,
    both,
    completing,
    hanging_up,
    instead,
    on,
    replacing,
    silent,
    staying,
    without,
)
from miniature import right

if TYPE_CHECKING:
    from miniature import Command, Reply, Wrong

#: A requirement of each level, and one more.
MUST, SHOULD, MAY = "rfc3501/2.2.2/stays-in-step", "rfc3501/5.2/flag-updates", "rfc3501/6.3.4/delete-in-use"
OTHER = "rfc3501/6.1.2/always-succeeds"


class Verdict(NamedTuple):
    """What a server gets."""

    status: str
    what: str = ""  #: what was observed
    words: str = ""  #: a part of what a report shows: the actual response, the message, the survey value
    vain: bool = False  #: only the deadline shows it


class Row(NamedTuple):
    """A scenario, and servers with what they get."""

    text: str
    others: tuple[tuple[Wrong, Verdict], ...]
    correct: Verdict = Verdict("PASS")


def row(text: str, wrong: Wrong, verdict: Verdict) -> Row:
    """A row with one other server."""
    return Row(text, ((wrong, verdict),))


def fails(what: str, words: str = "", *, vain: bool = False) -> Verdict:
    """A MUST is not met."""
    return Verdict("FAIL", what, words, vain=vain)


def blocked(words: str) -> Verdict:
    """The question could not be asked."""
    return Verdict("BLOCKED", "", words)


def from_connection(number: int, wrong: Wrong) -> Wrong:
    """Wrong only to the connections from one on."""
    return lambda command, replies: (wrong if command.connection.number >= number else right)(
        command, replies
    )


def _swapped() -> Wrong:
    """Completes two commands, each with the other's reply."""
    held: list[bytes] = []

    def wrong(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name not in ("CHECK", "DELETE"):
            return [*replies]
        held.append(replies[-1])
        if len(held) < 2:
            return []
        (one, how), (other, result) = (completion.split(b" ", 1) for completion in held)
        return [one + b" " + result, other + b" " + how]

    return wrong


def _in_one_read(command: Command, replies: list[bytes]) -> list[Reply]:
    """Takes what it reads at a time for a command, no more and no less."""
    return [*replies] if command.reads == 1 else [command.completed("BAD one at a time")]


def _forgets(command: Command, replies: list[bytes]) -> list[Reply]:
    """Mailboxes go with the session that made them."""
    user = command.connection.user
    for name in [*user.boxes] if user else []:
        if name != b"INBOX" and user:
            del user.boxes[name]
    return [*replies]


def _keeps_clear_text(command: Command, replies: list[bytes]) -> list[Reply]:
    """Takes what came in clear behind STARTTLS for what comes inside TLS."""
    command.connection.server.discards_clear_text = False
    return [*replies]


UNTAGGED = {
    "S: * that does not arrive": row(
        """
        state: created

        C: LIST "" ${mailbox}
        S: * LIST ${} "/" ${mailbox}  # here
        S: OK
        """,
        on("LIST", without(b"* LIST")),
        fails("missing", "done"),
    ),
    "S: * that differs": row(
        """
        state: created

        C: LIST "" ${mailbox}
        S: * LIST ${} "/" ${mailbox}  # here
        S: OK
        """,
        on("LIST", replacing((b'"/"', b'"."'))),
        fails("mismatch", '"."'),
    ),
    "S: * with text around a hole": row(
        """
        state: created

        C: LIST "" ${prefix}b*
        S: * LIST ${} ${} "${prefix}box"  # here
        S: OK
        """,
        on("LIST", replacing((b"box", b"bag"))),
        fails("mismatch", "bag"),
    ),
    "S: * with a set": row(
        """
        state: selected

        C: FETCH 1 (FLAGS)
        S: * 1 FETCH (FLAGS (\\Recent))  # here
        S: OK
        """,
        on("FETCH", replacing((b"(\\Recent)", b"(\\Recent \\Seen)"))),
        fails("mismatch", "\\Seen"),
    ),
    "S: * with the rest of a set": row(
        """
        state: selected

        C: STORE 1 FLAGS (\\Seen \\Draft)
        S: * 1 FETCH (FLAGS (\\Seen ${...}))  # here
        S: OK
        """,
        on("STORE", replacing((b"\\Seen ", b""))),
        fails("mismatch", "(\\Draft \\Recent)"),
    ),
    "S: * of a level SHOULD": row(
        f"""
        proves: {SHOULD}
        state: selected

        C: STORE 1 +FLAGS (\\Seen)
        S: * 1 FETCH (FLAGS (\\Seen ${{...}}))  # here
        S: OK
        """,
        on("STORE", without(b"FETCH")),
        Verdict("WARN", "missing"),
    ),
    "S: * of a level MAY": row(
        f"""
        proves: {MAY}
        state: selected

        C: STORE 1 +FLAGS (\\Seen)
        S: * 1 FETCH (FLAGS (\\Seen ${{...}}))  # here
        S: OK
        """,
        on("STORE", without(b"FETCH")),
        Verdict("INFO", "", "other: "),
    ),
    "S: * of another requirement": row(
        f"""
        proves: {MUST} {OTHER}
        state: selected

        C: STORE 1 +FLAGS (\\Seen)
        S [{SHOULD}]: * 1 FETCH (FLAGS (\\Seen ${{...}}))  # here
        S: OK
        """,
        on("STORE", without(b"FETCH")),
        Verdict("WARN", "missing"),
    ),
    "S: * that no completion ends": row(
        """
        state: selected

        C~ x1 SEARCH ALL\\r\\n
        S: * SEARCH 1  # here
        C: NOOP
        S: OK
        """,
        on("SEARCH", replacing((b" 1", b" 2"))),
        fails("mismatch", "* SEARCH 2", vain=True),
    ),
    "S> that comes too early": row(
        """
        state: selected

        C: LOGOUT
        S: * BYE ${...}
        S> OK  # here
        """,
        on("LOGOUT", backwards),
        fails("order", "OK done"),
    ),
    "S> untagged that comes too early": row(
        """
        state: created

        C: SELECT ${mailbox}
        S: * 0 EXISTS
        S> * 0 RECENT  # here
        S: OK
        """,
        on("SELECT", replacing((b"* 0 EXISTS\r\n* 0 RECENT\r\n", b"* 0 RECENT\r\n* 0 EXISTS\r\n"))),
        fails("order", "* 0 RECENT"),
    ),
    "S? whose value is used": row(
        """
        state: created

        C: SELECT ${mailbox}
        S? * OK [UIDNEXT ${next}] ${...}
        S: OK
        assert: ${next} = 1  # here
        """,
        on("SELECT", replacing((b"UIDNEXT 1", b"UIDNEXT 2"))),
        fails("assert", "2 = 1 does not hold"),
    ),
    "S? that does not arrive": row(
        """
        state: created

        C: SELECT ${mailbox}
        S? * OK [UIDNEXT ${next}] ${...}
        S: OK
        assert: ${next} = 1  # here
        """,
        on("SELECT", without(b"UIDNEXT")),
        blocked("${next} is not known"),
    ),
    "S? with a verdict": Row(
        """
        state: created

        C: SELECT ${mailbox}
        S? * OK [UIDNEXT ${next}] ${...} -> INFO tells UIDNEXT  # here
        S: OK
        """,
        ((on("SELECT", without(b"UIDNEXT")), Verdict("PASS")),),
        correct=Verdict("INFO", "", "tells UIDNEXT"),
    ),
    "S! during a command": row(
        """
        state: selected

        C: STORE 1 +FLAGS.SILENT (\\Seen)
        S! * 1 FETCH (FLAGS ${})  # here
        S: OK
        """,
        on("STORE", before(b"* 1 FETCH (FLAGS (\\Seen))\r\n")),
        fails("unwanted", "* 1 FETCH (FLAGS (\\Seen))"),
    ),
    "S! of another requirement": row(
        f"""
        state: selected

        C: STORE 1 +FLAGS.SILENT (\\Seen)
        S! [{OTHER}] * 1 FETCH (FLAGS ${{}})  # here
        S: OK
        """,
        on("STORE", before(b"* 1 FETCH (FLAGS (\\Seen))\r\n")),
        fails("unwanted", "* 1 FETCH (FLAGS (\\Seen))"),
    ),
    "S! before a later command": row(
        """
        state: selected

        C: NOOP
        S: OK
        S! * 1 FETCH ${...}  # here
        C: CHECK
        S: OK
        """,
        on("NOOP", behind(b"* 1 FETCH (FLAGS (\\Seen))\r\n")),
        fails("unwanted", "* 1 FETCH (FLAGS (\\Seen))"),
    ),
    "S! without a command": row(
        """
        connections: A B
        state: selected

        A C: CHECK
        A S: OK
        B S! * BYE ${...}  # here
        """,
        on("NOOP", before(b"* BYE tired\r\n")),
        fails("unwanted", "* BYE tired"),
    ),
    "captured and compared": row(
        """
        state: selected

        C: FETCH 1 (UID)
        S: * 1 FETCH (UID ${u})
        S: OK
        C: FETCH 1 (FLAGS UID)
        S: * 1 FETCH (UID ${u})  # here
        S: OK
        """,
        on("FETCH 1 (FLAGS", replacing((b"UID 1", b"UID 2"))),
        fails("mismatch", "UID 2"),
    ),
    "captured and compared in another session": row(
        """
        state: appended
        connections: A B

        A C: SELECT ${mailbox}
        A S: * OK [UIDVALIDITY ${v}] ${...}
        A S: OK
        B C: EXAMINE ${mailbox}
        B S: * OK [UIDVALIDITY ${v}] ${...}  # here
        B S: OK
        """,
        on("EXAMINE", replacing((b"UIDVALIDITY ", b"UIDVALIDITY 9"))),
        fails("mismatch", "UIDVALIDITY 9"),
    ),
    "what the start state binds": row(
        """
        state: authenticated
        connections: A B@2

        A C: CREATE ${prefix}${user}
        A S: OK
        B C: CREATE ${prefix}${user}
        B S: OK
        B C: LIST "" ${prefix}%
        B S: * LIST ${} ${delimiter} ${prefix}${user}  # here
        B S: OK
        assert: ${user} = alice
        """,
        on("LIST", replacing((b"bob", b"alice"))),
        fails("mismatch", "alice"),
    ),
    "captured, and sent again": row(
        """
        state: selected

        C: FETCH 1 (UID)
        S: * 1 FETCH (UID ${u})
        S: OK
        C: UID FETCH ${u} (FLAGS)
        S: * 1 FETCH (UID ${u})  # here
        S: OK
        """,
        on("FETCH 1 (UID", replacing((b"UID 1", b"UID 7"))),
        fails("missing", "done"),
    ),
}

COMPLETIONS = {
    "S: OK": Row(
        """
        state: greeted

        C: NOOP
        S: OK  # here
        """,
        (
            (on("NOOP", completing("NO no")), fails("NO", "NO no")),
            (on("NOOP", completing("BAD no")), fails("BAD", "BAD no")),
        ),
    ),
    "S: NO": Row(
        """
        state: authenticated

        C: DELETE ${prefix}none
        S: NO  # here
        """,
        ((on("DELETE", completing("OK")), fails("OK")), (on("DELETE", completing("BAD no")), fails("BAD"))),
    ),
    "S: BAD": Row(
        """
        state: authenticated

        C: FROB
        S: BAD  # here
        """,
        ((on("FROB", completing("OK fine")), fails("OK")), (on("FROB", completing("NO no")), fails("NO"))),
    ),
    "S: NO of a level SHOULD": row(
        f"""
        proves: {SHOULD}
        state: authenticated

        C: DELETE ${{prefix}}none
        S: NO  # here
        """,
        on("DELETE", completing("OK fine")),
        Verdict("WARN", "OK"),
    ),
    "S: NO of a level MAY": row(
        f"""
        proves: {MAY}
        state: authenticated

        C: DELETE ${{prefix}}none
        S: NO  # here
        """,
        on("DELETE", completing("OK fine")),
        Verdict("INFO", "", "other: "),
    ),
    "a response code": Row(
        """
        state: selected

        C: COPY 1 ${prefix}none
        S: NO [TRYCREATE] ${...}  # here
        """,
        (
            (on("COPY", completing("NO none")), fails("mismatch", "NO none")),
            (on("COPY", completing("NO [ALERT] none")), fails("mismatch", "[ALERT]")),
        ),
    ),
    "a text": row(
        """
        state: selected

        C: CHECK
        S: OK done  # here
        """,
        on("CHECK", completing("OK dne")),
        fails("mismatch", "OK dne"),
    ),
    "alternatives": Row(
        """
        state: authenticated

        C: DELETE ${prefix}none
        S: NO -> INFO says no | BAD -> WARN understands nothing | end BYE -> INFO leaves  # here
        """,
        (
            (on("DELETE", completing("BAD no")), Verdict("WARN", "outcome", "understands nothing")),
            (on("DELETE", completing("OK fine")), fails("OK", "OK fine")),
            (on("DELETE", hanging_up(b"* BYE no\r\n")), Verdict("INFO", "", "leaves")),
            (on("DELETE", hanging_up()), fails("closed")),
        ),
        correct=Verdict("INFO", "", "says no"),
    ),
    "alternatives without a verdict": row(
        """
        state: authenticated

        C: DELETE ${prefix}none
        S: NO | BAD  # here
        """,
        on("DELETE", completing("BAD no")),
        Verdict("PASS"),
    ),
    "nothing": row(
        """
        state: authenticated

        C: NOOP
        S: OK  # here
        """,
        on("NOOP", silent),
        Verdict("TIMEOUT", "timeout", "no answer before the deadline", vain=True),
    ),
    "nothing, of a level MAY": row(
        f"""
        proves: {MAY}
        state: authenticated

        C: NOOP
        S: OK  # here
        """,
        on("NOOP", silent),
        Verdict("TIMEOUT", "timeout", "no answer before the deadline", vain=True),
    ),
    "the connection is closed instead": row(
        """
        state: authenticated

        C: NOOP
        S: OK  # here
        """,
        on("NOOP", hanging_up(b"* BYE no\r\n")),
        fails("closed", "the server closed the connection"),
    ),
    "labels": row(
        """
        state: selected

        C a: CHECK
        C b: DELETE ${prefix}none
        S a: OK  # here
        S b: NO
        """,
        _swapped(),
        fails("NO"),
    ),
    "labels out of turn": row(
        """
        state: selected

        C a: CHECK
        C b: DELETE ${prefix}none
        S b: NO  # here
        S a: OK
        """,
        _swapped(),
        fails("OK"),
    ),
    "one segment": row(
        """
        state: authenticated
        delivery: one-segment

        C a: NOOP
        C b: CAPABILITY
        S a: OK
        S b: OK  # here
        """,
        _in_one_read,
        fails("BAD", "one at a time"),
    ),
    "octets": row(
        f"""
        state: authenticated
        delivery: octets

        C: LIST "" ${{prefix}}{"x" * 2000}
        S: OK  # here
        """,
        _in_one_read,
        fails("BAD", "one at a time"),
    ),
    "as written": row(
        f"""
        state: authenticated

        C: LIST "" ${{prefix}}{"x" * 2000}
        S: OK  # here
        """,
        _in_one_read,
        Verdict("PASS"),
    ),
    "raw octets": Row(
        """
        state: authenticated

        C~ x1 NOOP\\r\\nx2 LIST "" \\x22a\\r\\n
        S x1: OK
        S x2: BAD  # here
        """,
        (
            (on("LIST", completing("OK fine")), fails("OK", "x2 OK fine")),
            (on("LIST", silent), Verdict("TIMEOUT", "timeout", vain=True)),
        ),
    ),
}

OCTETS = {
    "a literal and back": row(
        """
        state: created

        C: APPEND ${mailbox} {text "Subject: \\x22\\r\\n\\r\\n${user}${$}\\r\\n"}
        S: OK
        C: SELECT ${mailbox}
        S: OK
        C: FETCH 1 (BODY.PEEK[])
        S: * 1 FETCH (BODY[] {text "Subject: \\x22\\r\\n\\r\\n${user}${$}\\r\\n"})  # here
        S: OK
        """,
        on("FETCH", replacing((b"alice$", b"Alice$"))),
        fails("mismatch", "Alice$"),
    ),
    "a literal of a file": row(
        """
        state: created
        messages: 1 simple.eml

        C: APPEND ${mailbox} {file simple.eml}
        S: OK
        C: SELECT ${mailbox}
        S: OK
        C: FETCH 1,2 (BODY.PEEK[])
        S: * 1 FETCH (BODY[] {file simple.eml})
        S: * 2 FETCH (BODY[] {file simple.eml})  # here
        S: OK
        """,
        on("FETCH", replacing((b"* 2", b"* 2"), (b"Date:", b"Dates:"))),
        fails("mismatch", "Dates:"),
    ),
    "a literal waits": row(
        """
        state: created

        C: APPEND ${mailbox} {text "a"}
        S: OK  # here
        """,
        on("continuation", silent),
        Verdict("TIMEOUT", "timeout", vain=True),
    ),
    "a literal that is refused": row(
        """
        state: created

        C: LIST "" {text "a"}
        S: OK  # here
        """,
        on("continuation", lambda command, _: [command.completed("NO not that")]),
        fails("NO", "not that"),
    ),
    "a literal that does not wait": row(
        """
        state: created
        requires: LITERAL+

        C: APPEND ${mailbox} {+text "a"}
        S: OK  # here
        """,
        lambda command, replies: (
            completing("BAD plus")(command, replies) if b"+}" in command.octets else [*replies]
        ),
        fails("BAD", "BAD plus"),
    ),
    "a continuation request": Row(
        """
        state: greeted
        requires: AUTH=PLAIN

        C: AUTHENTICATE PLAIN
        S: + ${...}  # here
        C~ ${plain}\\r\\n
        S: OK
        """,
        (
            (
                on("continuation", lambda command, _: [command.completed("NO not that")]),
                fails("NO", "not that"),
            ),
            (on("continuation", hanging_up(b"* BYE no\r\n")), fails("closed")),
            (on("continuation", silent), Verdict("TIMEOUT", "timeout", vain=True)),
        ),
    ),
    "behind a continuation request": row(
        """
        state: greeted
        requires: AUTH=PLAIN

        C: AUTHENTICATE PLAIN
        S: + ${...}
        C~ ${plain}\\r\\n
        S: OK  # here
        """,
        on("AUTHENTICATE", completing("NO not you")),
        fails("NO", "not you"),
    ),
    "an encoded text": row(
        """
        state: greeted
        connections: A B@2
        requires: AUTH=PLAIN

        A C: AUTHENTICATE PLAIN
        A S: + ${...}
        A C~ {base64 "\\0${other-user}\\0${other-password}"}\\r\\n
        A S: OK  # here
        B C: AUTHENTICATE PLAIN
        B S: + ${...}
        B C~ {base64 "\\0${user}\\0${wrong}"}\\r\\n
        B S: NO
        """,
        on("AUTHENTICATE", completing("NO not you")),
        fails("NO", "not you"),
    ),
    "sasl": row(
        """
        state: greeted
        requires: AUTH=PLAIN

        sasl: PLAIN
        S: OK  # here
        C: NOOP
        S: OK
        """,
        on("AUTHENTICATE", completing("NO not you")),
        fails("NO", "not you"),
    ),
    "sasl, the exchange": row(
        """
        state: greeted
        requires: AUTH=PLAIN

        sasl: PLAIN  # here
        S: OK
        """,
        on("AUTHENTICATE", instead(b"+ \r\n")),
        fails("sasl", "the server asks for more than the mechanism has"),
    ),
    "sasl with a wrong password": row(
        """
        state: greeted
        requires: AUTH=PLAIN

        sasl: PLAIN ${wrong}
        S: NO  # here
        """,
        on("AUTHENTICATE", completing("OK welcome")),
        fails("OK", "welcome"),
    ),
    "a wrong password": row(
        """
        state: greeted

        C: LOGIN ${user} ${wrong}
        S: NO  # here
        """,
        on("LOGIN", completing("OK welcome")),
        fails("OK", "welcome"),
    ),
}


def _told_to_others(line: bytes) -> Wrong:
    """Say something on every other connection when STORE is answered."""

    def wrong(command: Command, replies: list[bytes]) -> list[Reply]:
        if command.name == "STORE":
            for other in command.connection.server.connections:
                if other is not command.connection and other.box is not None:
                    other.socket.sendall(line)
        return [*replies]

    return wrong


def _relation(comparison: str, *pair: tuple[bytes, bytes]) -> Row:
    """A comparison of what is known of one message, and how it comes to differ."""
    return row(
        f"""
        state: selected
        messages: 2

        C: FETCH 2 (UID FLAGS RFC822.SIZE INTERNALDATE)
        S: * 2 FETCH (UID ${{u}} RFC822.SIZE ${{size}} FLAGS ${{flags}} INTERNALDATE ${{date}})
        S: OK
        assert: {comparison}  # here
        """,
        on("FETCH", replacing(*pair)),
        fails("assert", "does not hold"),
    )


RELATIONS = {
    "<": _relation("${u} < ${uidnext}", (b"UID 2", b"UID 3")),
    "<=": _relation("${u} <= 2", (b"UID 2", b"UID 3")),
    ">": _relation("${u} > 1", (b"UID 2", b"UID 1")),
    ">=": _relation("${u} >= 2", (b"UID 2", b"UID 1")),
    "=": _relation("${u} = 2", (b"UID 2", b"UID 1")),
    "!=": _relation("${u} != ${size}", (b"UID 2", b"UID 262")),
    "in": _relation("\\recent in ${flags}", (b"\\Recent", b"\\Seen")),
    "not in": _relation("\\Seen not in ${flags}", (b"\\Recent", b"\\Seen")),
    "same set": _relation("${flags} same set ${flags}", (b"", b"")),
    "< <": _relation("1 < ${u} < 4", (b"UID 2", b"UID 5")),
    "= of a day": _relation("${date:day} = 17-Jul-1996", (b"17-Jul", b"18-Jul")),
    "= of an instant": _relation('${date:instant} = "17-Jul-1996 11:44:25 +0200"', (b"-0700", b"-0600")),
    "= of a count": _relation("${flags:count} = 1", (b"\\Recent", b"\\Recent \\Seen")),
}
RELATIONS["outcomes"] = Row(
    """
    state: selected

    C: FETCH 1 (UID)
    S: * 1 FETCH (UID ${u})
    S: OK
    assert: ${u} = 1 | ${u} = 2 -> WARN two | ${u} > 2 -> INFO more  # here
    """,
    (
        (on("FETCH", replacing((b"UID 1", b"UID 2"))), Verdict("WARN", "assert", "two")),
        (on("FETCH", replacing((b"UID 1", b"UID 3"))), Verdict("INFO", "", "more")),
        (
            on("FETCH", replacing((b"UID 1", b"UID 0"))),
            fails("assert", "0 = 2 does not hold, and 0 > 2 does not hold"),
        ),
    ),
)
RELATIONS["same set"] = row(
    """
    state: selected

    C: STORE 1 FLAGS (\\Seen \\Draft)
    S: * 1 FETCH (FLAGS ${one})
    S: OK
    C: FETCH 1 (FLAGS)
    S: * 1 FETCH (FLAGS ${other})
    S: OK
    assert: ${one} same set ${other}  # here
    """,
    on("FETCH", replacing((b"\\Draft", b"\\Answered"))),
    fails("assert", "same set"),
)

NEWS = {
    "listen": row(
        """
        state: selected
        connections: A B

        B C: STORE 1 +FLAGS.SILENT (\\Deleted)
        B S: OK
        A listen
        A S! * ${} FETCH ${...}  # here
        A C: NOOP
        A S: OK
        """,
        _told_to_others(b"* 1 FETCH (FLAGS (\\Deleted))\r\n"),
        fails("unwanted", "* 1 FETCH (FLAGS (\\Deleted))"),
    ),
    "listen before a command that may tell it": row(
        """
        state: selected
        connections: A B

        B C: STORE 1 +FLAGS.SILENT (\\Deleted)
        B S: OK
        A listen
        A S! * ${} FETCH ${...}
        A C: NOOP
        A S: * 1 FETCH (FLAGS ${})
        A S: OK  # here
        """,
        on("NOOP", completing("NO not now")),
        fails("NO"),
    ),
    "poll": row(
        """
        state: selected
        connections: A B

        B C: APPEND ${mailbox} {text "a"}
        B S: OK
        A poll: * 2 EXISTS  # here
        """,
        on("NOOP", lambda _, replies: [replies[-1]]),
        fails("missing", vain=True),
    ),
    "poll of other news": row(
        """
        state: selected
        connections: A B

        B C: APPEND ${mailbox} {text "a"}
        B S: OK
        A poll: * 2 EXISTS  # here
        """,
        on("NOOP", lambda _, replies: [reply.replace(b"2 EXISTS", b"3 EXISTS") for reply in replies]),
        fails("mismatch", "* 3 EXISTS", vain=True),
    ),
    "poll of another requirement": row(
        f"""
        state: selected
        connections: A B

        B C: STORE 1 +FLAGS (\\Seen)
        B S: OK
        A poll [{SHOULD}]: * 1 FETCH (FLAGS (\\Seen ${{...}}))  # here
        """,
        on("NOOP", lambda _, replies: [replies[-1]]),
        Verdict("WARN", "missing", vain=True),
    ),
    "poll, and no answer": row(
        """
        state: selected
        connections: A B

        B C: APPEND ${mailbox} {text "a"}
        B S: OK
        A poll: * 2 EXISTS  # here
        A C: CHECK
        A S: OK
        """,
        on("NOOP", silent),
        Verdict("TIMEOUT", "timeout", vain=True),
    ),
    "poll, or an end": Row(
        """
        state: selected
        connections: A B

        B C: APPEND ${mailbox} {text "a"}
        B S: OK
        A poll: * 2 EXISTS | end BYE -> INFO session ended  # here
        """,
        (
            (on("NOOP", hanging_up(b"* BYE tired\r\n")), Verdict("INFO", "", "session ended")),
            (on("NOOP", hanging_up()), fails("closed")),
        ),
    ),
}

CONNECTIONS = {
    "reconnect": row(
        """
        state: authenticated

        C: CREATE ${prefix}kept
        S: OK
        reconnect
        C: LIST "" ${prefix}kept
        S: * LIST ${} ${} ${prefix}kept  # here
        S: OK
        """,
        on("LOGOUT", _forgets),
        fails("missing"),
    ),
    "reconnect that is refused": row(
        """
        state: authenticated

        C: NOOP
        S: OK
        reconnect  # here
        C: NOOP
        S: OK
        """,
        from_connection(2, on("LOGIN", completing("NO once is enough"))),
        blocked("once is enough"),
    ),
    "close": row(
        """
        state: selected

        C: STORE 1 +FLAGS (\\Deleted)
        S: OK
        close
        reconnect
        C: STATUS ${mailbox} (MESSAGES)
        S: * STATUS ${mailbox} (MESSAGES 1)  # here
        S: OK
        """,
        on("STATUS", replacing((b"MESSAGES 1", b"MESSAGES 0"))),
        fails("mismatch", "MESSAGES 0"),
    ),
    "end": row(
        """
        state: authenticated

        C: LOGOUT
        S: OK
        S: end  # here
        """,
        on("LOGOUT", staying),
        fails("open", "the connection stayed open", vain=True),
    ),
    "end, of a command that is not answered": row(
        """
        state: authenticated

        C: LOGOUT
        S: end  # here
        """,
        on("LOGOUT", both(instead(), staying)),
        Verdict("TIMEOUT", "timeout", vain=True),
    ),
    "end BYE": Row(
        """
        state: authenticated

        C: LOGOUT
        S: OK
        S: end BYE  # here
        """,
        (
            (on("LOGOUT", without(b"* BYE")), fails("closed")),
            (on("LOGOUT", staying), fails("open", vain=True)),
        ),
    ),
    "tls": Row(
        """
        state: greeted
        requires: STARTTLS

        C: STARTTLS
        S: OK
        tls  # here
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 ${...}
        S: OK
        """,
        (
            (on("STARTTLS", lambda _, replies: hanging_up(*replies)(_, replies)), fails("tls", "handshake")),
            (on("STARTTLS", staying), fails("tls", "handshake", vain=True)),
        ),
    ),
    "tls, or an end": row(
        """
        state: clear
        requires: STARTTLS

        C: STARTTLS
        S: OK
        tls | end -> INFO changed its mind  # here
        C: CAPABILITY
        S: OK
        """,
        on("STARTTLS", lambda _, replies: hanging_up(*replies)(_, replies)),
        Verdict("INFO", "", "changed its mind"),
    ),
    "behind tls, what was sent in clear": row(
        """
        state: greeted
        requires: STARTTLS

        C~ s1 STARTTLS\\r\\ns2 NOOP\\r\\n
        S s1: OK
        tls
        S! s2 OK  # here
        C: CAPABILITY
        S: OK
        """,
        on("STARTTLS", _keeps_clear_text),
        fails("unwanted", "s2 OK"),
    ),
    "behind tls": row(
        """
        state: greeted
        requires: STARTTLS

        C: STARTTLS
        S: OK
        tls
        C: CAPABILITY
        S! * CAPABILITY STARTTLS ${...}  # here
        S: OK
        """,
        on("CAPABILITY", replacing((b"IMAP4rev1", b"IMAP4rev1 STARTTLS"))),
        fails("unwanted", "STARTTLS"),
    ),
}

SETTING = {
    "[given]": row(
        """
        state: selected

        C: STORE 1 +FLAGS (\\Deleted)
        S [given]: OK  # here
        C: EXPUNGE
        S: * 1 EXPUNGE
        S: OK
        """,
        on("STORE", completing("NO not now")),
        blocked("NO not now"),
    ),
    "[given] on a look that is refused": row(
        """
        state: created

        C: LIST "" ${mailbox}
        S: * LIST ${} ${} ${mailbox}
        S [given]: OK  # here
        """,
        on("LIST", both(without(b"* LIST"), completing("NO not now"))),
        blocked("NO not now"),
    ),
    "[given] on a look that says something else": row(
        """
        state: created

        C: LIST "" ${mailbox}
        S: * LIST ${} ${} ${mailbox}  # here
        S [given]: OK
        """,
        on("LIST", without(b"* LIST")),
        fails("missing"),
    ),
    "[given] on a refused look that shows what must not be": row(
        """
        state: created

        C: LIST "" ${mailbox}
        S! * LIST ${} ${} ${prefix}other  # here
        S [given]: OK
        """,
        on("LIST", both(completing("NO not now"), replacing((b"box", b"other")))),
        fails("unwanted"),
    ),
    "SKIP": row(
        """
        state: selected

        C: STORE 1 +FLAGS (\\Deleted)
        S? * 1 FETCH (FLAGS ${flags})
        S: OK | NO -> SKIP nothing can be deleted here  # here
        C: EXPUNGE
        S: * 1 EXPUNGE
        S: OK
        """,
        on("STORE", completing("NO not now")),
        Verdict("SKIP", "", "nothing can be deleted here"),
    ),
    "SKIP by a line that has told something already": row(
        f"""
        proves: {OTHER} {MUST}
        state: selected

        C: NOOP
        S: OK
        C: STORE 1 +FLAGS (\\Deleted)
        S: * 1 FETCH (FLAGS ${{flags}})
        S: OK | NO -> SKIP  # here
        assert [{MUST}]: \\Deleted in ${{flags}}
        """,
        on("STORE", both(without(b"FETCH"), completing("NO not now"))),
        Verdict("SKIP", "", "NO not now"),
    ),
    "SKIP by an assertion": row(
        """
        state: selected

        C: FETCH 1 (RFC822.SIZE)
        S: * 1 FETCH (RFC822.SIZE ${size})
        S: OK
        assert: ${size} < 1000 | ${size} >= 1000 -> SKIP too big  # here
        C: NOOP
        S: OK
        """,
        on("FETCH", replacing((b"262", b"2620"))),
        Verdict("SKIP", "", "too big"),
    ),
    "[given] in an assertion": row(
        """
        state: selected

        C: FETCH 1 (RFC822.SIZE)
        S: * 1 FETCH (RFC822.SIZE ${size})
        S: OK
        assert [given]: ${size} < 1000  # here
        C: NOOP
        S: OK
        """,
        on("FETCH", replacing((b"262", b"2620"))),
        blocked("2620 < 1000 does not hold"),
    ),
    "a step behind one that failed": row(
        f"""
        proves: {MUST} {OTHER}
        state: authenticated

        C: CREATE ${{prefix}}x
        S: OK
        C: NOOP
        S [{OTHER}]: OK  # here
        """,
        on("CREATE", before()),
        Verdict("PASS"),
    ),
    "the start state": row(
        """
        state: selected

        C: CHECK
        S: OK
        """,
        on("SELECT", completing("NO not today")),
        blocked("not today"),
    ),
}

ROWS = {**UNTAGGED, **COMPLETIONS, **OCTETS, **RELATIONS, **NEWS, **CONNECTIONS, **SETTING}
