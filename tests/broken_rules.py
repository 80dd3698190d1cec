"""Rules that the proxy breaks, one at a time: each with the section under which that must be reported, and cases that report it.

Must not import the package: cases and sections are names here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from between import Back, Hidden, Rewriter
from rewriters import (
    Both,
    Commands,
    Replies,
    Stays,
    adds,
    also,
    answers,
    becomes,
    completes,
    examined,
    first_says,
    hangs_up,
    later,
    logged_in,
    not_logged_in,
    not_selected,
    omits,
    omits_first,
    opened,
    plus,
    postpones,
    repeats,
    says,
    selected,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from between import Command, Connection, Out, Reply


class Fault(NamedTuple):
    """A rule that is broken."""

    name: str
    area: str
    sections: str  #: under one of which it must be reported
    cases: str  #: that report it
    rewriter: Rewriter
    hangs: bool = False  #: only the deadline shows it
    missed: str = ""  #: why it is not reported


def _literal(octets: bytes, change: Callable[[bytes], bytes], behind: bytes = b"") -> bytes:
    """The same with other texts in its literals, those behind such words."""
    header = re.compile(rb"(%s)\{(\d+)\}\r\n" % behind)
    out, at = b"", 0
    while found := header.search(octets, at):
        end = found.end() + int(found[2])
        text = change(octets[found.end() : end])
        out += octets[at : found.end(1)] + b"{%d}\r\n%s" % (len(text), text)
        at = end
    return out + octets[at:]


def _texts(change: Callable[[bytes], bytes], behind: bytes = b"") -> Rewriter:
    """FETCH with other texts, in literals behind such words."""
    return Replies(lambda r: [_literal(r.octets, change, behind)], "FETCH")


def _appends(change: Callable[[bytes], bytes]) -> Rewriter:
    """APPEND of another text."""
    return Commands("APPEND", lambda c: [_literal(c.octets, change)])


def _keeps_the_old_mailbox() -> Rewriter:
    def change(reply: Reply) -> Iterable[Out]:
        old = opened(reply.connection)
        failed = reply.completes and b" NO " in reply.octets
        return [reply.octets, Hidden(b"SELECT " + old.arguments)] if failed and old else [reply.octets]

    return Replies(change, "SELECT")


def _fails_when_nothing_is_told(of: str) -> Rewriter:
    def change(reply: Reply) -> Iterable[Out]:
        told = reply.connection.memory.setdefault("told", [])
        told.append(reply.command)
        if not reply.completes or told.count(reply.command) > 1:
            return [reply.octets]
        return [re.sub(rb" OK .*", b" NO no such message", reply.octets)]

    return Replies(change, of)


def _fails_without(of: str, words: bytes) -> Rewriter:
    """NO where an OK does not have such words."""
    return says(rb"\A([^ *+]+) OK (?!.*%s).*\r\n" % words, rb"\1 NO no such message\r\n", of)


def _appended(command: Command) -> int:
    return sum(each.name == "APPEND" for each in command.connection.done) + 1


def _old_numbers() -> Rewriter:
    def change(reply: Reply) -> Iterable[Out]:
        found = re.match(rb"\* (\d+) EXPUNGE", reply.octets)
        if not found:
            return [reply.octets]
        before = reply.connection.memory.get("gone", 0)
        reply.connection.memory["gone"] = before + 1
        return [b"* %d EXPUNGE\r\n" % (int(found[1]) + before)]

    return Replies(change, "EXPUNGE")


def _subscribes_one() -> Rewriter:
    def change(command: Command) -> Iterable[Out]:
        before = command.connection.memory.get("subscribed")
        command.connection.memory["subscribed"] = command.arguments
        return [*([Hidden(b"UNSUBSCRIBE " + before)] if before else []), command.octets]

    return Commands("SUBSCRIBE", change)


def _bare(name: bytes) -> bytes:
    return name.strip(b'"')


def _inferiors(command: Command, name: bytes) -> list[bytes]:
    """What was made below a name on this connection, the deepest first."""
    names = (_bare(c.arguments) for c in command.connection.done if c.name == "CREATE")
    return sorted((n for n in names if n.startswith(_bare(name) + b"/")), reverse=True)


def _deletes_inferiors() -> Rewriter:
    return Commands(
        "DELETE",
        lambda c: [*(Hidden(b'DELETE "%s"' % each) for each in _inferiors(c, c.arguments)), c.octets],
    )


def _leaves_inferiors() -> Rewriter:
    def change(command: Command) -> Iterable[Out]:
        old, new = map(_bare, command.arguments.split(b" ", 1))
        below = [each[len(old) :] for each in _inferiors(command, old)]
        return [command.octets, *(Hidden(b'RENAME "%s" "%s"' % (new + each, old + each)) for each in below)]

    return Commands("RENAME", change)


def _renames_aside() -> Rewriter:
    def change(command: Command) -> Iterable[Out]:
        name = _bare(command.arguments)
        attic = command.connection.memory.setdefault("attic", set())
        if command.name == "DELETE":
            attic.add(name)
            return [command.saying(b'RENAME "%s" "%s-attic"' % (name, name))]
        return [command.saying(b'RENAME "%s-attic" "%s"' % (name, name)) if name in attic else command.octets]

    return Commands("DELETE|CREATE", change)


def _copies_without_flags() -> Rewriter:
    def change(command: Command) -> Iterable[Out]:
        here = opened(command.connection)
        assert here is not None
        there = command.arguments.split(b" ", 1)[1]
        back = Hidden(b"SELECT " + here.arguments)
        return [command.octets, Hidden(b"SELECT " + there), Hidden(b"STORE 1:* FLAGS.SILENT ()"), back]

    return Commands("COPY", change)


class _OneForAll(Rewriter):
    """The mailbox that was selected last is that of all connections."""

    def __init__(self) -> None:
        self._latest = b""

    def takes(self, command: Command) -> bool:
        return command.name in ("SELECT", "FETCH", "STORE", "SEARCH", "NOOP")

    def command(self, command: Command) -> Iterable[Out]:
        if command.name == "SELECT":
            self._latest = command.arguments
        mine = opened(command.connection)
        if mine and command.name != "SELECT" and mine.arguments != self._latest:
            return [Hidden(b"SELECT " + self._latest), command.octets]
        return [command.octets]


class _StaleStatus(Rewriter):
    """The first answer for a name is the answer for ever."""

    def __init__(self) -> None:
        self._told: dict[bytes, bytes] = {}

    def reply(self, reply: Reply) -> Iterable[Out]:
        found = re.match(rb"\* STATUS (\S+) ", reply.octets)
        return [self._told.setdefault(found[1], reply.octets) if found else reply.octets]


class _KeepsPlainText(Rewriter):
    """What came behind STARTTLS in clear is given to the server inside TLS."""

    def takes(self, command: Command) -> bool:
        return any(each.name == "STARTTLS" for each in command.connection.pending)

    def command(self, command: Command) -> Iterable[Out]:
        command.connection.memory.setdefault("kept", []).append(command.octets)
        return []

    def secured(self, connection: Connection) -> Iterable[bytes]:
        kept: list[bytes] = connection.memory.get("kept", [])
        return kept


def _stored(connection: Connection) -> bool:
    return any(command.name == "STORE" for command in [*connection.done, *connection.pending])


def _encrypted(connection: Connection) -> bool:
    return connection.encrypted


def _seven_bit(text: bytes) -> bytes:
    return bytes(octet if octet < 128 else ord("?") for octet in text)


def _swapped_parts(octets: bytes) -> bytes:
    """The first two parts of a multipart in each other's place."""
    found = re.search(rb"BODY(?:STRUCTURE)? \((?=\()", octets)
    if not found:
        return octets
    second = _closed(octets, found.end())
    third = _closed(octets, second)
    return octets[: found.end()] + octets[second:third] + octets[found.end() : second] + octets[third:]


def _closed(octets: bytes, start: int) -> int:
    """Where the list that begins there ends."""
    depth = 0
    for end in range(start, len(octets)):
        depth += {b"(": 1, b")": -1}.get(octets[end : end + 1], 0)
        if depth == 0:
            return end + 1
    return start


def _trimmed(text: bytes) -> bytes:
    return re.sub(rb"[ \t]+\r\n", b"\r\n", text)


def _unfolded(text: bytes) -> bytes:
    return re.sub(rb"\r\n[ \t][^\r]*(?=\r\n)", b"", text)


# fmt: off
FAULTS = [
    # --- the form of replies -------------------------------------------------------------------------------------------
    Fault("a line ends with LF alone", "syntax", "7.1 9", "6.1.2-noop/before-login", says(rb"\r\n\Z", b"\n", "NOOP")),
    Fault("a line ends with CR CR LF", "syntax", "7.1 9", "6.1.2-noop/before-login", says(rb"\r\n\Z", b"\r\r\n", "NOOP")),
    Fault("an empty line between replies", "syntax", "9", "6.1.1-capability/before-login", says(rb"\A\* CAPABILITY", b"\r\n* CAPABILITY", "CAPABILITY")),
    Fault("no space behind the star", "syntax", "7.2.1 9", "6.1.1-capability/before-login", says(rb"\A\* CAPABILITY", b"*CAPABILITY", "CAPABILITY")),
    Fault("two spaces behind the star", "syntax", "7.2.2 9", "6.3.8-list/changes-nothing", says(rb"\A\* LIST", b"*  LIST", "LIST")),
    Fault("LIST without parentheses", "syntax", "7.2.2", "6.3.8-list/changes-nothing", says(rb"\A\* LIST \(([^)]*)\)", rb"* LIST \1", "LIST")),
    Fault("a delimiter without quotes", "syntax", "7.2.2", "6.3.8-list/changes-nothing", says(rb'\A(\* LIST \([^)]*\)) "(.)"', rb"\1 \2", "LIST")),
    Fault("a quote in a quoted string as it is", "syntax", "7.2.2", "5.1-mailbox-naming/name-with-quoted-specials", says(rb'\\"', b'"', "LIST")),
    Fault("the name behind LIST is missing", "syntax", "7.2.2", "6.3.8-list/changes-nothing", says(rb"\A(\* LIST \([^)]*\) [^ ]+) .*\Z", b"\\1\r\n", "LIST")),
    Fault("FETCH without parentheses", "syntax", "7.4.2", "6.4.5-fetch/body-sets-seen", says(rb"\A(\* \d+ FETCH) \((.*)\)\r\n", b"\\1 \\2\r\n", "FETCH")),
    Fault("FETCH with commas between items", "syntax", "7.4.2", "6.4.5-fetch/body-sets-seen", says(rb"\A(\* \d+ FETCH \(FLAGS \([^)]*\)) ", rb"\1, ", "FETCH")),
    Fault("FETCH with a space before its end", "syntax", "7.4.2", "6.4.5-fetch/body-sets-seen", says(rb"\)\r\n\Z", b" )\r\n", "FETCH")),
    Fault("FETCH of message 0", "syntax", "7.4.2", "6.4.5-fetch/body-sets-seen", says(rb"\A\* 1 FETCH", b"* 0 FETCH", "FETCH")),
    Fault("a literal's count is one too small", "syntax", "7.4.2 9", "6.4.5-fetch/body-sets-seen", says(rb"\{(\d+)\}\r\n", plus(-1), "FETCH")),
    Fault("a literal's count is one too large", "syntax", "7.4.2 9 6.4.5", "6.4.5-fetch/body-sets-seen", says(rb"\{(\d+)\}\r\n", plus(1), "FETCH"), hangs=True),
    Fault("a message text in quotes, over several lines", "syntax", "7.4.2 9", "6.4.5-fetch/message-sent-on-the-wire", says(rb"\{\d+\}\r\n(.*)\)\r\n\Z", b'"\\1")\r\n', "FETCH")),
    Fault("SEARCH with commas", "syntax", "7.2.5", "6.4.4-search/a-group-or-its-contrary", says(rb"(?<=\d) (?=\d)", b",", "SEARCH")),
    Fault("SEARCH with a space at the end", "syntax", "7.2.5", "6.4.4-search/a-group-or-its-contrary", says(rb"\A(\* SEARCH.*)\r\n", b"\\1 \r\n", "SEARCH")),
    Fault("SEARCH with ranges", "syntax", "7.2.5", "6.4.4-search/a-key-or-its-contrary", says(rb"\A\* SEARCH 1 2 3\r\n", b"* SEARCH 1:3\r\n", "SEARCH")),
    Fault("STATUS without parentheses", "syntax", "7.2.4", "6.3.10-status/changes-no-flags", says(rb"\A(\* STATUS .*) \((.*)\)", rb"\1 \2", "STATUS")),
    Fault("STATUS with an equals sign", "syntax", "7.2.4", "6.3.10-status/changes-no-flags", says(rb"(MESSAGES) (\d)", rb"\1=\2", "STATUS")),
    Fault("STATUS without the name", "syntax", "7.2.4", "6.3.10-status/changes-no-flags", says(rb"\A\* STATUS .* \(", b"* STATUS (", "STATUS")),
    Fault("a negative number in STATUS", "syntax", "7.2.4", "6.3.10-status/changes-no-flags", says(rb"(MESSAGES) (\d)", rb"\1 -\2", "STATUS")),
    Fault("UIDNEXT 0", "syntax", "7.1 7.2.4 9", "6.3.1-select/answer", says(rb"UIDNEXT \d+", b"UIDNEXT 0")),
    Fault("UIDVALIDITY of more than 32 bits", "syntax", "9 2.3.1.1", "6.3.1-select/answer", says(rb"UIDVALIDITY \d+", b"UIDVALIDITY 4294967296")),
    Fault("EXISTS of more than 32 bits", "syntax", "9", "6.3.1-select/answer", says(rb"\A\* \d+ EXISTS", b"* 4294967297 EXISTS", "SELECT")),
    Fault("EXISTS without a number", "syntax", "7.3.1 9", "6.3.1-select/answer", says(rb"\A\* \d+ EXISTS", b"* EXISTS", "SELECT")),
    Fault("RECENT behind its name", "syntax", "7.3.2 9", "6.3.1-select/answer", says(rb"\A\* (\d+) RECENT", rb"* RECENT \1", "SELECT")),
    Fault("EXPUNGE of message 0", "syntax", "7.4.1", "6.4.3-expunge/argument-refused", says(rb"\A\* \d+ EXPUNGE", b"* 0 EXPUNGE", "EXPUNGE")),
    Fault("EXPUNGE with a text behind it", "syntax", "7.4.1", "6.4.3-expunge/argument-refused", says(rb"(EXPUNGE)\r\n", b"\\1 gone\r\n", "EXPUNGE")),
    Fault("FLAGS without parentheses", "syntax", "7.2.6", "6.3.1-select/answer", says(rb"\A\* FLAGS \(([^)]*)\)", rb"* FLAGS \1", "SELECT")),
    Fault("FLAGS with a flag that has two backslashes", "syntax", "7.2.6", "6.3.1-select/answer", says(rb"\A(\* FLAGS .*)\\Seen", rb"\1\\\\Seen", "SELECT")),
    Fault("FLAGS with \\Recent", "syntax", "7.2.6", "6.3.1-select/answer", says(rb"\A\* FLAGS \(", rb"* FLAGS (\\Recent ", "SELECT")),
    Fault("PERMANENTFLAGS with \\Recent", "syntax", "7.1", "6.3.1-select/answer", says(rb"PERMANENTFLAGS \(", rb"PERMANENTFLAGS (\\Recent ", "SELECT")),
    Fault("a response code that does not end", "syntax", "7.1", "6.3.1-select/answer", says(rb"(UIDVALIDITY \d+)\]", rb"\1", "SELECT")),
    Fault("a response code with two spaces", "syntax", "7.1", "6.3.1-select/answer", says(rb"UIDVALIDITY ", b"UIDVALIDITY  ", "SELECT")),
    Fault("a completion without text", "syntax", "7.1", "6.1.2-noop/before-login", says(rb"\A(\S+ OK).*\r\n", b"\\1\r\n", "NOOP")),
    Fault("a completion with a bare CR in its text", "syntax", "7.1 9", "6.1.2-noop/before-login", says(rb"\A(\S+ OK).*\r\n", b"\\1 do\rne\r\n", "NOOP")),
    Fault("a completion with a NUL in its text", "syntax", "7.1 9 4.3.1", "6.1.2-noop/before-login", says(rb"\A(\S+ OK).*\r\n", b"\\1 do\0ne\r\n", "NOOP")),
    Fault("a completion OKAY", "syntax", "7.1 9 2.2.2", "6.1.2-noop/before-login", says(rb"\A(\S+) OK", rb"\1 OKAY", "NOOP"), hangs=True),
    Fault("INTERNALDATE without quotes", "syntax", "7.4.2", "6.4.5-fetch/macro-all", says(rb'INTERNALDATE "([^"]*)"', rb"INTERNALDATE \1", "FETCH")),
    Fault("INTERNALDATE as in RFC 2822", "syntax", "7.4.2", "6.4.5-fetch/macro-all", says(rb'INTERNALDATE "(..)-(...)-(....) ', rb'INTERNALDATE "Mon, \1 \2 \3 ', "FETCH")),
    Fault("INTERNALDATE with the name of a zone", "syntax", "7.4.2", "6.4.5-fetch/macro-all", says(rb'[+-]\d{4}"', b'GMT"', "FETCH")),
    Fault("INTERNALDATE with a one-digit day without its space", "syntax", "7.4.2", "6.3.11-append/single-digit-day", says(rb'INTERNALDATE "[ 0](\d)', rb'INTERNALDATE "\1', "FETCH")),
    Fault("INTERNALDATE on the 32nd", "syntax", "2.3.3", "6.4.5-fetch/macro-all", says(rb'INTERNALDATE "..', b'INTERNALDATE "32', "FETCH")),
    Fault("an envelope of nine fields", "syntax", "7.4.2", "7.4.2-fetch/envelope", says(rb'(ENVELOPE \(.*) "[^"]*"\)\)\r\n', b"\\1))\r\n", "FETCH")),
    Fault("an envelope with an empty list of addresses", "syntax", "7.4.2", "7.4.2-fetch/envelope-defaults", says(rb"(\)\)) NIL NIL NIL", rb"\1 () NIL NIL", "FETCH")),
    Fault("an address of three parts", "syntax", "7.4.2", "7.4.2-fetch/envelope", says(rb'\(\(("[^"]*"|NIL) NIL ', rb"((\1 ", "FETCH")),
    Fault("a body structure with its size in quotes", "syntax", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'("[78]BIT") (\d+)', rb'\1 "\2"', "FETCH")),
    Fault("a body structure with atoms", "syntax", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'\("TEXT" "PLAIN"', b"(TEXT PLAIN", "FETCH")),
    Fault("a body structure without its lines", "syntax", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'("[78]BIT" \d+) \d+', rb"\1", "FETCH")),
    Fault("8-bit characters in a quoted string", "syntax", "7.4.2 9", "7.4.2-fetch/envelope", says(rb'(ENVELOPE \("[^"]*" ")', b"\\1\xc3\xa9", "FETCH")),
    Fault("a continuation request without space and text", "syntax", "7.1 7.5", "7.5-continuation/line-end-behind-a-literal", says(rb"\A\+.*\r\n", b"+\r\n")),
    Fault("a greeting that is no status", "syntax", "7.1", "6.1.2-noop/before-login", Replies(lambda r: [b"* HELLO there\r\n"] if r.greeting else [r.octets])),
    Fault("a tagged greeting", "syntax", "7.1", "6.1.2-noop/before-login", Replies(lambda r: [b"a0 OK there\r\n"] if r.greeting else [r.octets]), hangs=True),
    Fault("LSUB that answers with LIST", "syntax", "6.3.9", "6.3.9-lsub/of-each-user", says(rb"\A\* LSUB", b"* LIST", "LSUB")),
    Fault("CAPABILITY with commas", "syntax", "7.2.1", "6.1.1-capability/before-login", says(rb"(?<=IMAP4rev1) ", b", ", "CAPABILITY")),
    Fault("CAPABILITY without IMAP4rev1", "syntax", "7.2.1 6.1.1", "6.1.1-capability/before-login", says(rb" IMAP4rev1", b"", "CAPABILITY")),
    Fault("SELECT refuses quoted names", "syntax", "4.3 6.3.1", "4.3-literals/select-in-each-form", answers("SELECT", "NO no such mailbox", asked=rb'"')),
    Fault("CREATE takes no literal", "syntax", "4.3", "4.3-literals/create-in-each-form", answers("CREATE", "NO what", asked=rb"\{\d+\}")),
    Fault("escapes in quoted strings are not undone", "syntax", "4.3 5.1", "5.1-mailbox-naming/name-with-quoted-specials", becomes("CREATE", rb"\\(.)", rb"x\1")),
    Fault("command names in upper case only", "syntax", "9", "9-formal-syntax/case-insensitive-tokens", answers("NOOP|LIST|STATUS|SELECT|FETCH|SEARCH", "BAD what", asked=rb"(?-i:\A[a-z])")),
    Fault("months in capital letters are refused", "syntax", "9 6.4.4", "6.4.4-search/dates-in-each-form", answers("SEARCH|APPEND", "BAD what", asked=rb"(?-i:-(?:FEB|JUL|MAR|feb|jul|JAN)-)")),
    Fault("tags with strange characters come back changed", "syntax", "2.2.1 2.2.2", "2.2.1-tags/line-that-is-no-command", says(rb"\A[^ *+]*[^A-Za-z0-9 ][^ ]* (?=OK)", b"x ", ".*"), hangs=True),

    # --- completions ---------------------------------------------------------------------------------------------------
    Fault("another tag", "completions", "2.2.2", "6.1.2-noop/before-login", says(rb"\A[^ *+]+ ", b"x9 ", "NOOP"), hangs=True),
    Fault("the tag in upper case", "completions", "2.2.2 2.2.1", "6.1.2-noop/before-login", says(rb"\A[^ *+]+ ", lambda m: m[0].swapcase(), "NOOP"), hangs=True),
    Fault("two completions", "completions", "2.2.2", "6.1.2-noop/before-login", repeats(rb"\A[^ *+]+ OK", "NOOP")),
    Fault("an untagged completion", "completions", "6.1.2 2.2.2", "6.1.2-noop/before-login", says(rb"\A[^ *+]+ OK", b"* OK", "NOOP"), hangs=True),
    Fault("no completion", "completions", "6.1.2 2.2.2", "6.1.2-noop/before-login", omits(rb"\A[^ *+]+ OK", "NOOP"), hangs=True),
    Fault("NOOP is answered NO", "completions", "6.1.2", "6.1.2-noop/before-login", completes("NOOP", b"NO busy")),
    Fault("NOOP is answered BAD", "completions", "6.1.2", "6.1.2-noop/before-login", completes("NOOP", b"BAD what")),
    Fault("CHECK is answered NO", "completions", "6.4.1", "6.4.1-check/changes-no-message", completes("CHECK", b"NO busy")),
    Fault("CHECK is answered BAD", "completions", "6.4.1 6.4 3.3", "6.4.1-check/changes-no-message", completes("CHECK", b"BAD what")),
    Fault("CAPABILITY tells nothing", "completions", "6.1.1", "6.1.1-capability/before-login", omits(rb"\A\* CAPABILITY", "CAPABILITY")),
    Fault("CAPABILITY tells behind its completion", "completions", "6.1.1", "6.1.1-capability/before-login", postpones(rb"\A\* CAPABILITY", "CAPABILITY")),
    Fault("an unknown command is answered OK", "completions", "2.2.2", "2.2.2-syntax-errors/unknown-command", completes("FROBNICATE", b"OK done")),
    Fault("an unknown command is answered NO", "completions", "2.2.2", "2.2.2-syntax-errors/unknown-command", completes("FROBNICATE", b"NO what")),
    Fault("an unknown command ends the connection", "completions", "2.2.2 3.4", "2.2.2-syntax-errors/unknown-command", hangs_up("FROBNICATE")),
    Fault("an experimental command is answered OK", "completions", "6.5.1", "6.5.1-experimental/unknown-x-command", completes("X.*", b"OK done")),
    Fault("LIST with three arguments is answered OK", "completions", "2.2.2 6.3.8", "2.2.2-syntax-errors/list-with-three-arguments", becomes("LIST", rb"\A(LIST \S+ \S+) .*", rb"\1")),
    Fault("FETCH of an unknown item is answered OK", "completions", "2.2.2 6.4.5", "6.4.5-fetch/malformed-items", completes("FETCH", b"OK done", instead_of=b"BAD.*")),
    Fault("SEARCH for an unknown key is answered OK", "completions", "2.2.2 6.4.4", "6.4.4-search/criteria-malformed", completes("SEARCH", b"OK done", instead_of=b"BAD.*")),
    Fault("a missing argument is taken for an empty one", "completions", "2.2.2 6.3.3", "6.3.3-create/without-a-name", completes("CREATE", b"OK done", instead_of=b"BAD.*")),
    Fault("LOGOUT without BYE", "completions", "6.1.3", "6.1.3-logout/before-login", omits(rb"\A\* BYE", "LOGOUT")),
    Fault("LOGOUT says BYE behind its OK", "completions", "6.1.3", "6.1.3-logout/before-login", postpones(rb"\A\* BYE", "LOGOUT")),
    Fault("LOGOUT without a completion", "completions", "6.1.3", "6.1.3-logout/before-login", omits(rb"\A[^ *+]+ OK", "LOGOUT")),
    Fault("LOGOUT does not close the connection", "completions", "6.1.3", "6.1.3-logout/before-login", Stays(), hangs=True),
    Fault("LOGOUT is answered NO", "completions", "6.1.3", "6.1.3-logout/before-login", answers("LOGOUT", "NO stay")),
    Fault("a tagged PREAUTH", "completions", "7.1.4", "6.1.2-noop/before-login", says(rb"\A([^ *+]+) OK", rb"\1 PREAUTH", "NOOP"), hangs=True),
    Fault("a tagged BYE", "completions", "7.1.5", "6.1.3-logout/before-login", says(rb"\A([^ *+]+) OK", rb"\1 BYE", "LOGOUT"), hangs=True),
    Fault("PREAUTH in the middle of a session", "completions", "7.1.4", "6.1.2-noop/before-login", adds(rb"\A[^ *+]+ OK", b"* PREAUTH hello", of="NOOP")),
    Fault("a greeting PREAUTH without being logged in", "completions", "7.1.4 3", "6.2.3-login/capabilities-in-the-answer", Replies(lambda r: [b"* PREAUTH hello\r\n"] if r.greeting else [r.octets])),
    Fault("BYE, and the session goes on", "completions", "7.1.5", "6.1.2-noop/does-nothing", adds(rb"\A[^ *+]+ OK", b"* BYE going", of="NOOP")),
    Fault("the connection is closed without BYE", "completions", "3.4", "6.1.2-noop/before-login", hangs_up("NOOP")),
    Fault("a continuation request that nothing is due for", "completions", "7.5", "6.1.2-noop/before-login", adds(rb"\A[^ *+]+ OK", b"+ go on", of="NOOP")),
    Fault("a literal is not asked for", "completions", "7.5 4.3", "7.5-continuation/literals-of-refused-commands", omits(rb"\A\+", "CREATE|SELECT|STATUS"), hangs=True),
    Fault("SEARCH without a match tells nothing", "completions", "6.4.4", "6.4.4-search/no-match-is-still-answered", omits(rb"\A\* SEARCH\r\n", "SEARCH")),
    Fault("CLOSE reports what it removed", "completions", "6.4.2", "6.4.2-close/deleted-messages-vanish-silently", also("CLOSE", b"EXPUNGE", first=True, tells=True)),
    Fault("STATUS of no mailbox is answered OK", "completions", "6.3.10", "6.3.10-status/no-such-mailbox", completes("STATUS", b"OK done", instead_of=b"NO.*")),
    Fault("STATUS tells nothing", "completions", "6.3.10", "6.3.10-status/changes-no-flags", omits(rb"\A\* STATUS", "STATUS")),
    Fault("SEARCH tells behind its completion", "completions", "6.4.4", "6.4.4-search/all", postpones(rb"\A\* SEARCH", "SEARCH")),
    Fault("a pipelined command gets no answer", "completions", "5.5", "5.5-pipelining/append-and-select", Commands("[A-Z]+", lambda c: [] if c.connection.pending and c.name != "LOGIN" else [c.octets]), hangs=True),

    # --- states --------------------------------------------------------------------------------------------------------
    *(Fault(f"{name} is accepted before login", "states", "3.1", f"3.1-not-authenticated/{name.lower()}", completes(name, b"OK done", when=not_logged_in))
        for name in ("CREATE", "DELETE", "SUBSCRIBE", "SELECT", "CHECK", "CLOSE", "EXPUNGE")),
    Fault("LIST tells names before login", "states", "3.1", "3.1-not-authenticated/list", answers("LIST", "OK done", b'* LIST () "/" INBOX', when=not_logged_in)),
    Fault("STATUS tells numbers before login", "states", "3.1", "3.1-not-authenticated/status", answers("STATUS", "NO log in first", b"* STATUS INBOX (MESSAGES 3)", when=not_logged_in)),
    *(Fault(f"{name} is accepted without a mailbox", "states", "3.2", f"3.2-authenticated/{name.lower().replace(' ', '-')}", completes(name, b"OK done", when=not_selected))
        for name in ("FETCH", "STORE", "SEARCH", "COPY", "EXPUNGE", "CLOSE", "CHECK", "UID FETCH")),
    Fault("LOGIN is accepted after login", "states", "3", "3-states/login-when-logged-in", completes("LOGIN", b"OK welcome", when=logged_in)),
    Fault("AUTHENTICATE is accepted after login", "states", "3", "3-states/authenticate-with-right-credentials", completes("AUTHENTICATE", b"OK welcome", when=logged_in)),
    Fault("STARTTLS is accepted after login", "states", "3 6.2.1", "3-states/starttls-when-logged-in", answers("STARTTLS", "OK begin", when=logged_in)),
    Fault("LIST is refused while a mailbox is selected", "states", "3.3 6.4", "3.3-selected/commands-of-the-authenticated-state", completes("LIST", b"NO close first", when=selected)),
    Fault("STATUS is refused while a mailbox is selected", "states", "3.3 6.4 6.3.10", "3.3-selected/commands-of-the-authenticated-state", completes("STATUS", b"BAD close first", when=selected)),
    Fault("FETCH is refused after EXAMINE", "states", "3.3", "3.3-selected/commands-on-messages-after-examine", completes("(UID )?FETCH", b"NO read-only", when=examined)),
    Fault("LOGOUT is refused before login", "states", "6.1.3 6.1 3.1", "6.1.3-logout/before-login", answers("LOGOUT", "BAD log in first", when=not_logged_in)),
    Fault("CAPABILITY is refused while a mailbox is selected", "states", "6.1.1 6.1 6.4", "6.1.1-capability/with-a-mailbox-selected", completes("CAPABILITY", b"BAD no", when=selected)),
    Fault("a failed SELECT keeps the old mailbox", "states", "6.3.1", "6.3.1-select/failed-select-deselects", _keeps_the_old_mailbox()),
    Fault("an unknown command closes the mailbox", "states", "6 2.2.2", "2.2.2-syntax-errors/unknown-command", also("FROBNICATE", b"UNSELECT")),
    Fault("SELECT expunges the mailbox that it leaves", "states", "6.3.1 6.4.2", "6.4.2-close/select-does-not-expunge", also("SELECT", b"EXPUNGE", first=True, when=selected)),
    Fault("EXAMINE expunges the mailbox that it leaves", "states", "6.3.2 6.3.1 6.4.2", "6.3.2-examine/closes-without-an-expunge", also("EXAMINE", b"EXPUNGE", first=True, when=selected)),
    Fault("LOGOUT expunges", "states", "6.4.2 6.1.3", "6.4.2-close/logout-does-not-expunge", also("LOGOUT", b"EXPUNGE", first=True, when=selected)),
    Fault("NOOP expunges", "states", "6.1.2", "6.1.2-noop/expunges-nothing", also("NOOP", b"EXPUNGE", when=selected)),
    Fault("CHECK expunges", "states", "6.4.1", "6.4.1-check/changes-no-message", also("CHECK", b"EXPUNGE", when=selected)),
    Fault("CHECK closes the mailbox", "states", "6.4.1", "6.4.1-check/check-completes", also("CHECK", b"UNSELECT")),
    Fault("CLOSE leaves the mailbox selected", "states", "6.4.2", "6.4.2-close/no-mailbox-afterwards", becomes("CLOSE", rb"CLOSE", b"NOOP")),
    Fault("CLOSE does not expunge", "states", "6.4.2", "6.4.2-close/deleted-messages-vanish-silently", becomes("CLOSE", rb"CLOSE", b"UNSELECT")),
    Fault("CLOSE after EXAMINE is refused", "states", "6.4.2", "6.4.2-close/examined-mailbox-is-left", answers("CLOSE", "NO read-only", when=examined)),
    Fault("CLOSE removes all messages", "states", "6.4.2", "6.4.2-close/deleted-messages-vanish-silently", also("CLOSE", rb"STORE 1:* +FLAGS.SILENT (\\Deleted)", first=True)),
    Fault("STATUS selects its mailbox", "states", "6.3.10", "6.3.10-status/selects-nothing", also("STATUS", rb"SELECT \1", asked=rb"\ASTATUS (\S+)")),
    Fault("STATUS closes the selected mailbox", "states", "6.3.10", "6.3.10-status/keeps-selected-mailbox", also("STATUS", b"UNSELECT", when=selected)),
    Fault("CREATE closes the selected mailbox", "states", "6 6.3.3 6.4 3.3", "6.3.3-create/mailbox-commands-keep-the-selection", also("CREATE", b"UNSELECT", when=selected)),
    Fault("APPEND closes the selected mailbox", "states", "6.3.11", "6.3.11-append/keeps-the-selected-mailbox", also("APPEND", b"UNSELECT", when=selected)),
    Fault("LIST closes the selected mailbox", "states", "6.3.8", "6.3.8-list/changes-nothing", also("LIST", b"UNSELECT", when=selected)),
    Fault("COPY selects its destination", "states", "6 6.4.7", "6.4.7-copy/destination-is-not-selected", also("COPY", rb"SELECT \1", asked=rb"\ACOPY \S+ (\S+)")),
    Fault("a command that fails closes the mailbox", "states", "6", "6-client-commands/failed-commands-keep-the-mailbox", also("DELETE|RENAME|COPY|CREATE|STATUS", b"UNSELECT", when=selected)),
    Fault("EXAMINE opens for writing", "states", "6.3.2", "6.3.2-examine/stores-of-every-form", Both(becomes("EXAMINE", rb"\AEXAMINE", b"SELECT"), says(rb"READ-WRITE", b"READ-ONLY", "EXAMINE"))),
    Fault("EXAMINE takes \\Recent away", "states", "6.3.2", "6.3.2-examine/keeps-recent", also("EXAMINE", rb"SELECT \1", rb"EXAMINE \1", asked=rb"\AEXAMINE (\S+)")),
    Fault("SELECT after EXAMINE stays read-only", "states", "6.3.1", "6.3.1-select/writable-after-examine", becomes("SELECT", rb"\ASELECT", b"EXAMINE", when=examined)),
    Fault("a wrong password is accepted", "states", "6.2.3", "6.2.3-login/wrong-password", completes("LOGIN", b"OK welcome", instead_of=b"NO.*")),
    Fault("LOGIN logs nobody in", "states", "6.2.3 3", "6.2.3-login/every-form-of-string", answers("LOGIN", "OK welcome", asked=rb"\{")),
    Fault("AUTHENTICATE accepts wrong credentials", "states", "6.2.2", "6.2.2-authenticate/wrong-credentials", completes("AUTHENTICATE", b"OK welcome", instead_of=b"NO.*")),
    Fault("AUTHENTICATE takes no cancellation", "states", "6.2.2", "6.2.2-authenticate/cancelled", completes("AUTHENTICATE", b"OK welcome", instead_of=b"BAD.*")),
    Fault("AUTHENTICATE answers a cancellation with NO", "states", "6.2.2", "6.2.2-authenticate/cancelled", completes("AUTHENTICATE", b"NO as you like", instead_of=b"BAD.*")),
    Fault("a challenge that is no BASE64", "states", "6.2.2", "6.2.2-authenticate/plain", says(rb"\A\+ .*\r\n", b"+ go on!\r\n", "AUTHENTICATE")),
    Fault("AUTHENTICATE of an unknown mechanism is answered BAD", "states", "6.2.2", "6.2.2-authenticate/unsupported-mechanism", completes("AUTHENTICATE", b"BAD what", instead_of=b"NO.*")),
    Fault("CLOSE removes the last message too", "states", "6.4.2", "6.4.2-close/deleted-messages-vanish-silently", also("CLOSE", rb"STORE * +FLAGS.SILENT (\\Deleted)", first=True)),
    Fault("CLOSE clears flags of the rest", "states", "6.4.2", "6.4.2-close/keeps-the-flags-of-the-rest", also("CLOSE", rb"STORE 1:* -FLAGS.SILENT (\\Flagged \\Seen \\Answered)", first=True)),
    Fault("CHECK clears \\Deleted", "states", "6.4.1", "6.4.1-check/changes-no-message", also("CHECK", rb"STORE 1:* -FLAGS.SILENT (\\Deleted)")),
    Fault("NOOP sets \\Seen", "states", "6.1.2", "6.1.2-noop/expunges-nothing", also("NOOP", rb"STORE 1:* +FLAGS.SILENT (\\Seen)", when=selected)),
    Fault("SELECT sets \\Seen", "states", "6.3.1", "6.3.1-select/unseen-in-the-middle", also("SELECT", rb"STORE 1:* +FLAGS.SILENT (\\Seen)")),
    Fault("LOGOUT from an EXAMINEd mailbox expunges", "states", "6.3.2 6.4.2", "6.3.2-examine/examine-of-the-selected-mailbox", Commands("LOGOUT", lambda c: [Hidden(b"SELECT " + o.arguments), Hidden(b"EXPUNGE"), c.octets] if (o := opened(c.connection)) and o.name == "EXAMINE" else [c.octets])),

    # --- what SELECT tells ---------------------------------------------------------------------------------------------
    *(Fault(f"SELECT without {name}", "SELECT data", "6.3.1", "6.3.1-select/answer", omits(pattern, "SELECT")) for name, pattern in (
        ("EXISTS", rb"\A\* \d+ EXISTS"), ("RECENT", rb"\A\* \d+ RECENT"), ("FLAGS", rb"\A\* FLAGS"), ("UIDVALIDITY", rb"\[UIDVALIDITY"),
        ("UIDNEXT", rb"\[UIDNEXT"), ("PERMANENTFLAGS", rb"\[PERMANENTFLAGS"))),
    Fault("EXAMINE without EXISTS", "SELECT data", "6.3.2", "6.3.2-examine/answer", omits(rb"\A\* \d+ EXISTS", "EXAMINE")),
    Fault("SELECT without UNSEEN", "SELECT data", "6.3.1", "6.3.1-select/answer", omits(rb"\[UNSEEN", "SELECT")),
    Fault("UNSEEN counts the unseen messages", "SELECT data", "6.3.1", "6.3.1-select/unseen-in-the-middle", says(rb"UNSEEN \d+", b"UNSEEN 1", "SELECT")),
    Fault("UNSEEN is one too high", "SELECT data", "6.3.1 7.1", "6.3.1-select/first-unseen", says(rb"UNSEEN (\d+)", plus(1), "SELECT")),
    Fault("SELECT tells one EXISTS too many", "SELECT data", "6.3.1 7.3.1", "6.3.1-select/answer", says(rb"\A\* (\d+) EXISTS", plus(1), "SELECT")),
    Fault("SELECT tells one EXISTS too few", "SELECT data", "6.3.1 7.3.1", "6.3.1-select/answer", says(rb"\A\* (\d+) EXISTS", plus(-1), "SELECT")),
    Fault("EXISTS does not count messages flagged \\Deleted", "SELECT data", "7.3.1", "7.3.1-exists/is-the-number-of-messages", says(rb"\A\* (\d+) EXISTS", plus(-1), "SELECT")),
    Fault("RECENT is one too many", "SELECT data", "7.3.2 2.3.2", "7.3.2-recent/some-of-the-messages", says(rb"\A\* (\d+) RECENT", plus(1), "SELECT")),
    Fault("RECENT counts all messages", "SELECT data", "7.3.2 2.3.2", "7.3.2-recent/some-of-the-messages", says(rb"\A\* \d+ RECENT", b"* 3 RECENT", "SELECT")),
    Fault("UIDNEXT is the highest UID", "SELECT data", "2.3.1.1", "2.3.1.1-uid/uidnext-is-above-all-uids", says(rb"UIDNEXT (\d+)", plus(-1), "SELECT|STATUS")),
    Fault("UIDNEXT of EXAMINE is another", "SELECT data", "2.3.1.1", "2.3.1.1-uid/uidnext-however-it-is-asked", says(rb"UIDNEXT (\d+)", plus(1), "EXAMINE")),
    Fault("UIDNEXT is far ahead", "SELECT data", "2.3.1.1", "2.3.1.1-uid/uidnext-bounds-new-uids", says(rb"UIDNEXT (\d+)", plus(100), "SELECT|STATUS")),
    Fault("UIDVALIDITY gets smaller with the session", "SELECT data", "2.3.1.1", "2.3.1.1-uid/uids-persist", says(rb"UIDVALIDITY (\d+)", plus(-5), when=later)),
    Fault("SELECT says READ-ONLY", "SELECT data", "6.3.1", "6.3.1-select/answer", says(rb"READ-WRITE", b"READ-ONLY", "SELECT")),
    Fault("EXAMINE does not say READ-ONLY", "SELECT data", "6.3.2", "6.3.2-examine/answer", says(rb"\[READ-ONLY\] ", b"", "EXAMINE")),
    Fault("EXAMINE says READ-WRITE", "SELECT data", "6.3.2", "6.3.2-examine/answer", says(rb"READ-ONLY", b"READ-WRITE", "EXAMINE")),
    Fault("EXAMINE offers permanent flags", "SELECT data", "6.3.2", "6.3.2-examine/no-permanent-flags", says(rb"PERMANENTFLAGS \(\)", rb"PERMANENTFLAGS (\\Seen)", "EXAMINE")),
    Fault("SELECT tells its data behind the OK", "SELECT data", "6.3.1", "6.3.1-select/answer", postpones(rb"\A\* \d+ EXISTS", "SELECT")),
    Fault("PERMANENTFLAGS has a flag that FLAGS has not", "SELECT data", "7.1", "6.3.1-select/answer", says(rb"\A(\* FLAGS \(.*) \\Draft", rb"\1", "SELECT")),
    Fault("new keywords are promised and refused", "SELECT data", "7.1 6.4.6", "7.1-status-responses/new-keyword-where-promised", answers("STORE", "NO no keywords", asked=rb"FLAGS \((?!\\)")),
    Fault("SELECT of no mailbox is answered OK", "SELECT data", "6.3.1", "6.3.1-select/no-such-mailbox", completes("SELECT", b"OK [READ-WRITE] open", instead_of=b"NO.*")),
    Fault("EXAMINE tells 0 RECENT of new messages", "SELECT data", "6.3.2 7.3.2 2.3.2", "6.3.2-examine/keeps-recent", says(rb"\A\* \d+ RECENT", b"* 0 RECENT", "EXAMINE")),
    Fault("SELECT always tells 0 RECENT", "SELECT data", "6.3.1 7.3.2 2.3.2", "2.3.2-flags/recent-and-old-messages", says(rb"\A\* \d+ RECENT", b"* 0 RECENT", "SELECT")),
    Fault("FLAGS does not list a keyword that is used", "SELECT data", "7.2.6", "7.2.6-flags/keywords-in-use", says(rb"\A(\* FLAGS \((?:\\\w+ ?)*)[^)]*\)", rb"\1)", "SELECT")),
    Fault("PERMANENTFLAGS is empty though flags are kept", "SELECT data", "7.1", "7.1-status-responses/flag-that-is-not-permanent", says(rb"PERMANENTFLAGS \([^)]*\)", b"PERMANENTFLAGS ()", "SELECT")),
    Fault("a SELECT of the same mailbox tells nothing", "SELECT data", "6.3.1", "6.3.1-select/failed-select-keeps-messages", Commands("SELECT", lambda c: [c.completed("OK [READ-WRITE] still open")] if (o := opened(c.connection)) and o.arguments == c.arguments else [c.octets])),

    # --- numbers and UIDs ----------------------------------------------------------------------------------------------
    Fault("FETCH bears the number of the next message", "numbers", "6.4.5 7.4.2", "6.4.5-fetch/sets-of-numbers", says(rb"\A\* (\d+) FETCH", plus(1), "FETCH")),
    Fault("UID FETCH bears UIDs as numbers", "numbers", "6.4.8", "6.4.8-uid/numbers-in-the-answer", says(rb"\A\* \d+ FETCH (\(.*UID (\d+))", rb"* \2 FETCH \1", "UID FETCH")),
    Fault("UID FETCH does not tell the UID", "numbers", "6.4.8", "6.4.8-uid/fetch-by-uid", says(rb"UID \d+ ", b"", "UID FETCH")),
    Fault("UID STORE does not tell the UID", "numbers", "6.4.8", "6.4.8-uid/store-by-uid", says(rb"UID \d+ ", b"", "UID STORE")),
    Fault("UID FETCH takes numbers", "numbers", "6.4.8", "6.4.8-uid/fetch-by-uid", becomes("UID FETCH", rb"\AUID ", b"")),
    Fault("UID STORE takes numbers", "numbers", "6.4.8", "6.4.8-uid/store-by-uid", becomes("UID STORE", rb"\AUID ", b"")),
    Fault("UID COPY takes numbers", "numbers", "6.4.8", "6.4.8-uid/copy-by-uid", becomes("UID COPY", rb"\AUID ", b"")),
    Fault("UID SEARCH tells numbers", "numbers", "6.4.8 7.2.5", "6.4.8-uid/search-returns-uids", becomes("UID SEARCH", rb"\AUID ", b"")),
    Fault("SEARCH tells UIDs", "numbers", "6.4.4 7.2.5", "7.2.5-search/numbers-and-uids", becomes("SEARCH", rb"\ASEARCH", b"UID SEARCH")),
    Fault("UID FETCH of an unknown UID is answered NO", "numbers", "6.4.8", "6.4.8-uid/unknown-uid", _fails_when_nothing_is_told("UID FETCH")),
    Fault("UID COPY of an unknown UID is answered BAD", "numbers", "6.4.8", "6.4.8-uid/unknown-uid", _fails_without("UID COPY", rb"COPYUID")),
    Fault("a range with the star above all UIDs is empty", "numbers", "6.4.8", "6.4.8-uid/range-with-star", answers("UID FETCH", "OK done", asked=rb"\d{3,}:\*|\*:\d{3,}")),
    Fault("the star is unknown", "numbers", "6.4.8 9 6.4.5", "6.4.5-fetch/sets-of-numbers", answers("FETCH", "BAD what", asked=rb"\*")),
    Fault("the star is one too low", "numbers", "9 6.4.8 6.4.5", "6.4.5-fetch/sets-of-numbers", becomes("FETCH", rb"\*(?= )", b"1")),
    Fault("a range backwards is refused", "numbers", "9", "9-formal-syntax/range-in-either-direction", answers("FETCH", "BAD what", asked=rb" 3:2 ")),
    Fault("a UID changes with the session", "numbers", "2.3.1.1", "2.3.1.1-uid/uids-persist", says(rb"(UID) (\d+)(?=[ )])", plus(7), when=later)),
    Fault("UIDs descend", "numbers", "2.3.1.1", "2.3.1.1-uid/uids-ascend", says(rb"UID (\d+)(?=[ )])", lambda m: b"UID %d" % (1000 - int(m[1])), "FETCH")),
    Fault("a UID changes within the session", "numbers", "2.3.1.1", "2.3.1.1-uid/one-message-for-two-sessions", says(rb"UID (\d+)(?=[ )])", plus(7), "(UID )?FETCH", when=_stored)),
    Fault("EXPUNGE tells the number of the next message", "numbers", "7.4.1 6.4.3", "6.4.3-expunge/deleted-messages-are-removed-and-reported", says(rb"\A\* (\d+) EXPUNGE", plus(1), "EXPUNGE")),
    Fault("EXPUNGE tells UIDs", "numbers", "7.4.1", "6.4.3-expunge/one-response-for-each", says(rb"\A\* (\d+) EXPUNGE", plus(100), "EXPUNGE")),
    Fault("EXPUNGE leaves one out", "numbers", "6.4.3", "6.4.3-expunge/one-response-for-each", omits_first(rb"EXPUNGE\r\n", "EXPUNGE")),
    Fault("EXPUNGE tells one twice", "numbers", "6.4.3 7.4.1", "6.4.3-expunge/one-response-for-each", repeats(rb"EXPUNGE\r\n", "EXPUNGE")),
    Fault("EXPUNGE tells the old numbers", "numbers", "7.4.1 6.4.3 2.3.1.1", "6.4.3-expunge/argument-refused", _old_numbers()),
    Fault("EXPUNGE removes nothing and says so", "numbers", "6.4.3", "6.4.3-expunge/deleted-messages-are-removed-and-reported", becomes("EXPUNGE", rb"EXPUNGE", b"NOOP")),
    Fault("EXPUNGE tells nothing of what it removes", "numbers", "6.4.3 7.4.1", "6.4.3-expunge/deleted-messages-are-removed-and-reported", omits(rb"EXPUNGE\r\n", "EXPUNGE")),
    Fault("EXPUNGE removes the first message too", "numbers", "6.4.3", "6.4.3-expunge/deleted-messages-are-removed-and-reported", also("EXPUNGE", rb"STORE 1 +FLAGS.SILENT (\\Deleted)", first=True)),
    Fault("EXPUNGE of an EXAMINEd mailbox tells messages", "numbers", "6.4.3 6.3.2", "6.3.2-examine/expunge-changes-nothing", answers("EXPUNGE", "OK done", b"* 1 EXPUNGE", when=examined)),
    Fault("EXISTS shrinks", "numbers", "5.2", "6.1.2-noop/does-nothing", adds(rb"\A[^ *+]+ OK", b"* 0 EXISTS", of="NOOP", when=selected)),
    Fault("a FETCH of a message that is not there", "numbers", "7.4.2 2.3.1.2", "6.1.2-noop/does-nothing", adds(rb"\A[^ *+]+ OK", rb"* 99 FETCH (FLAGS ())", of="NOOP", when=selected)),
    Fault("a number that is no message is passed over", "numbers", "6.4.5 9 2.3.1.2", "6.4.5-fetch/number-beyond-the-mailbox", completes("FETCH", b"OK done", instead_of=b"(?:NO|BAD).*")),
    Fault("STORE on a number that is no message succeeds", "numbers", "6.4.6 9 2.3.1.2", "6.4.6-store/number-beyond-the-mailbox", completes("STORE", b"OK done", instead_of=b"(?:NO|BAD).*")),
    Fault("UID SEARCH UID takes numbers", "numbers", "6.4.8 6.4.4", "6.4.8-uid/range-over-gaps", becomes("UID SEARCH", rb"(?<=SEARCH )UID ", b"")),
    Fault("UID ranges with gaps stop at the gap", "numbers", "6.4.8", "6.4.8-uid/fetch-by-uid", becomes("UID FETCH", rb"\AUID FETCH (\d+):\d+ ", rb"UID FETCH \1 ")),
    Fault("EXPUNGE clears flags of the rest", "numbers", "6.4.3", "6.4.3-expunge/keeps-the-flags-of-the-rest", also("EXPUNGE", rb"STORE 1:* FLAGS.SILENT ()")),

    # --- flags and STORE -----------------------------------------------------------------------------------------------
    Fault("FLAGS adds", "STORE", "6.4.6", "6.4.6-store/flags-replaces", becomes("STORE", rb" FLAGS", b" +FLAGS")),
    Fault("+FLAGS replaces", "STORE", "6.4.6", "6.4.6-store/plus-flags-adds", becomes("STORE", rb" \+FLAGS", b" FLAGS")),
    Fault("-FLAGS removes all", "STORE", "6.4.6", "6.4.6-store/minus-flags-removes", becomes("STORE", rb" -FLAGS(\S*) .*", rb" FLAGS\1 ()")),
    Fault("-FLAGS does nothing", "STORE", "6.4.6", "6.4.6-store/minus-flags-removes", becomes("STORE", rb" -FLAGS(\S*) .*", rb" -FLAGS\1 ()")),
    Fault(".SILENT answers", "STORE", "6.4.6", "6.4.6-store/silent-suppresses-the-answer", becomes("STORE", rb"\.SILENT", b"")),
    Fault("STORE does not answer", "STORE", "6.4.6", "6.4.6-store/answer-for-each-message", becomes("STORE", rb"FLAGS ", b"FLAGS.SILENT ")),
    Fault("STORE changes the first message of its set only", "STORE", "6.4.6", "6.4.6-store/every-message-of-the-set", becomes("STORE", rb"\ASTORE (\d+)[:,]\S+", rb"STORE \1")),
    Fault("STORE changes the next message too", "STORE", "6.4.6", "6.4.6-store/flag-twice", becomes("STORE", rb"\ASTORE 1 ", b"STORE 1:2 ")),
    Fault("STORE answers for one message only", "STORE", "6.4.6", "6.4.6-store/answer-for-each-message", omits_first(rb"FETCH", "STORE")),
    Fault("STORE answers with the flag that was removed", "STORE", "6.4.6", "6.4.6-store/minus-flags-removes", says(rb"FLAGS \(", rb"FLAGS (\\Deleted ", "STORE")),
    Fault("STORE answers without the flag that was set", "STORE", "6.4.6", "6.4.6-store/plus-flags-adds", says(rb"FLAGS \([^)]*\)", b"FLAGS ()", "STORE")),
    Fault("STORE takes the first of its flags only", "STORE", "6.4.6", "6.4.6-store/several-flags-at-once", becomes("STORE", rb"\((\S+) [^)]*\)", rb"(\1)")),
    Fault("STORE sets \\Flagged too", "STORE", "6.4.6", "6.4.6-store/two-sessions-remove", becomes("STORE", rb"\((\\Seen)", rb"(\\Flagged \1")),
    Fault("STORE takes no flags without parentheses", "STORE", "6.4.6", "6.4.6-store/flags-without-parentheses", answers("STORE", "BAD what", asked=rb"FLAGS(?:\.SILENT)? [^(]")),
    Fault("STORE FLAGS () removes nothing", "STORE", "6.4.6", "6.4.6-store/empty-list", becomes("STORE", rb" FLAGS(\S*) \(\)", rb" +FLAGS\1 ()")),
    Fault("a flag is kept for the session only", "STORE", "2.3.2 6.4.6 7.1", "2.3.2-flags/permanent-flag-is-kept", says(rb"FLAGS \([^)]*\)", b"FLAGS ()", "FETCH", when=later)),
    Fault("\\Deleted removes at once", "STORE", "2.3.2 6.4.6", "2.3.2-flags/deleted-until-expunge", also("STORE", b"EXPUNGE", asked=rb"\\Deleted")),
    Fault("\\Recent is lost by STORE", "STORE", "2.3.2 6.4.6", "2.3.2-flags/recent-survives-store", says(rb"\\Recent ?", b"", "STORE|FETCH", when=_stored)),
    Fault("\\Recent stays for ever", "STORE", "2.3.2", "2.3.2-flags/recent-for-the-first-session-only", says(rb"FLAGS \((?!\\Recent)", rb"FLAGS (\\Recent ", "FETCH")),
    Fault("no message is ever \\Recent", "STORE", "2.3.2 7.3.2", "2.3.2-flags/recent-for-the-first-session-only", says(rb"\\Recent ?", b"", "FETCH")),
    Fault("a flag twice in one list", "STORE", "2.3.2", "6.4.6-store/plus-flags-adds", says(rb"FLAGS \((\S*?\\\w+)", rb"FLAGS (\1 \1", "STORE|FETCH")),
    Fault("\\Answered means \\Flagged", "STORE", "2.3.2", "2.3.2-flags/each-system-flag-stands-for-itself", becomes("STORE", rb"\\Answered", rb"\\Flagged")),
    Fault("\\Draft is not stored", "STORE", "2.3.2 7.1", "2.3.2-flags/every-system-flag-is-kept", becomes("STORE", rb" ?\\Draft", b"")),
    Fault("a refused STORE changes what it can", "STORE", "6.4.6", "6.4.6-store/two-sessions-at-once", also("STORE", rb"STORE 1 +FLAGS.SILENT (\\Flagged)", asked=rb"\ASTORE \S*(?:99|,|0 )")),
    Fault("keywords come back in capital letters", "STORE", "2.3.2 7.1 6.4.6", "2.3.2-flags/deleted-message-is-like-others", says(rb"(?<=[( ])(?!FLAGS|UID|FETCH|OK)[a-z]\w+(?=[ )])", lambda m: m[0].upper() + b"X", "FETCH")),
    Fault("UID STORE .SILENT answers", "STORE", "6.4.8 6.4.6", "6.4.8-uid/store-in-all-forms", becomes("UID STORE", rb"\.SILENT", b"")),
    Fault("UID STORE does not answer", "STORE", "6.4.8 6.4.6", "6.4.8-uid/known-among-unknown", becomes("UID STORE", rb"FLAGS ", b"FLAGS.SILENT ")),

    # --- FETCH ---------------------------------------------------------------------------------------------------------
    Fault("BODY[] sets no \\Seen", "FETCH", "6.4.5", "6.4.5-fetch/body-sets-seen", becomes("FETCH", rb"BODY\[", b"BODY.PEEK[")),
    Fault("BODY.PEEK[] sets \\Seen", "FETCH", "6.4.5", "6.4.5-fetch/peek-leaves-unseen", becomes("FETCH", rb"BODY\.PEEK\[", b"BODY[")),
    Fault("RFC822.HEADER sets \\Seen", "FETCH", "6.4.5", "6.4.5-fetch/rfc822-items-set-seen", also("FETCH", rb"STORE \1 +FLAGS.SILENT (\\Seen)", asked=rb"\AFETCH (\S+) \(?RFC822\.HEADER")),
    Fault("RFC822.TEXT sets no \\Seen", "FETCH", "6.4.5", "6.4.5-fetch/rfc822-items-set-seen", Both(becomes("FETCH", rb"RFC822\.TEXT", b"BODY.PEEK[TEXT]"), says(rb"BODY\[TEXT\]", b"RFC822.TEXT", "FETCH"))),
    Fault("ENVELOPE sets \\Seen", "FETCH", "6.4.5", "6.4.5-fetch/parsed-data-keeps-unseen", also("FETCH", rb"STORE \1 +FLAGS.SILENT (\\Seen)", asked=rb"\AFETCH (\S+) .*ENVELOPE")),
    Fault("\\Seen that was set is not told", "FETCH", "6.4.5", "6.4.5-fetch/body-sets-seen", says(rb"FLAGS \([^)]*\\Seen[^)]*\) ?| ?FLAGS \([^)]*\\Seen[^)]*\)", b"", "FETCH")),
    Fault("BODY[] of an EXAMINEd mailbox sets \\Seen", "FETCH", "6.3.2 6.4.5", "6.3.2-examine/every-way-of-reading", Both(becomes("EXAMINE", rb"\AEXAMINE", b"SELECT"), says(rb"READ-WRITE", b"READ-ONLY", "EXAMINE"))),
    Fault("BODY[] without its last octets", "FETCH", "6.4.5", "6.4.5-fetch/message-sent-on-the-wire", says(rb"\{(\d+)\}\r\n(.*)..\)\r\n\Z", lambda m: b"{%d}\r\n%s)\r\n" % (int(m[1]) - 2, m[2]), "FETCH")),
    Fault("lines of a text end with LF", "FETCH", "6.4.5", "6.4.5-fetch/message-sent-on-the-wire", _texts(lambda t: t.replace(b"\r\n", b"\n"))),
    Fault("spaces at line ends are trimmed", "FETCH", "6.4.5 6.3.11", "6.3.11-append/awkward-lines", _texts(_trimmed)),
    Fault("a line From gets a mark", "FETCH", "6.4.5 6.3.11", "6.3.11-append/awkward-lines", _texts(lambda t: t.replace(b"\r\nFrom ", b"\r\n>From "))),
    Fault("8-bit octets become question marks", "FETCH", "6.3.11 6.4.5 4.3.1", "6.3.11-append/every-high-octet", _texts(_seven_bit)),
    Fault("a partial fetch counts from 1", "FETCH", "6.4.5", "6.4.5-fetch/partial", becomes("FETCH", rb"<([1-9]\d*)\.", plus(-1))),
    Fault("a partial fetch is one octet longer", "FETCH", "6.4.5", "6.4.5-fetch/partial", becomes("FETCH", rb"<\d+\.(\d+)>", plus(1))),
    Fault("a partial fetch without its origin", "FETCH", "6.4.5 7.4.2", "6.4.5-fetch/partial", says(rb"\]<\d+>", b"]", "FETCH")),
    Fault("a partial fetch beyond the end is NIL", "FETCH", "6.4.5", "6.4.5-fetch/partial-at-the-end", says(rb'(\]<\d+>) (?:""|\{0\}\r\n)', rb"\1 NIL", "FETCH")),
    Fault("header fields without their blank line", "FETCH", "6.4.5", "6.4.5-fetch/header-fields-exact", says(rb"(HEADER\.FIELDS \([^)]*\)\]) \{(\d+)\}\r\n(.*)\r\n\)\r\n\Z", lambda m: b"%s {%d}\r\n%s)\r\n" % (m[1], int(m[2]) - 2, m[3]), "FETCH")),
    Fault("HEADER.FIELDS returns the other fields", "FETCH", "6.4.5", "6.4.5-fetch/header-fields", Both(becomes("FETCH", rb"HEADER\.FIELDS ", b"HEADER.FIELDS.NOT "), says(rb"HEADER\.FIELDS\.NOT ", b"HEADER.FIELDS ", "FETCH"))),
    Fault("HEADER.FIELDS returns the whole header", "FETCH", "6.4.5", "6.4.5-fetch/header-fields-exact", Both(becomes("FETCH", rb"HEADER\.FIELDS \(([^)]*)\)", rb"HEADER"), says(rb"\[HEADER\]", b"[HEADER.FIELDS (SUBJECT)]", "FETCH"))),
    Fault("HEADER.FIELDS leaves out folded lines", "FETCH", "6.4.5", "6.4.5-fetch/header-fields-of-all-kinds", _texts(_unfolded, rb"HEADER\.FIELDS \([^)]*\)\] ")),
    Fault("RFC822.SIZE counts line ends as one", "FETCH", "2.3.4 6.4.5", "2.3.4-size/of-awkward-messages", says(rb"RFC822\.SIZE (\d+)", plus(-3), "FETCH")),
    Fault("INTERNALDATE is in UTC and says another zone", "FETCH", "2.3.3 6.3.11", "6.3.11-append/zones", says(rb'(INTERNALDATE ".*) [+-]\d{4}"', rb'\1 +0330"', "FETCH")),
    Fault("INTERNALDATE is the date of the header", "FETCH", "2.3.3 6.3.11", "2.3.3-internal-date/not-the-date-of-the-header", becomes("APPEND", rb'"[^"]{26}" ', b'"07-Feb-1994 21:52:25 -0800" ')),
    Fault("no Sender in an envelope", "FETCH", "7.4.2", "7.4.2-fetch/envelope-defaults", says(rb"(\(\(\(?[^()]*\)\)) \1 \1", rb"\1 NIL \1", "FETCH")),
    Fault("no Reply-To in an envelope", "FETCH", "7.4.2", "7.4.2-fetch/envelope-defaults", says(rb"(\(\([^()]*\)\)) \1 \1", rb"\1 \1 NIL", "FETCH")),
    Fault("a decoded subject in an envelope", "FETCH", "7.4.2", "7.4.2-fetch/envelope-encoded-words", says(rb"=\?[^? ]+\?[QB]\?[^? ]*\?=", b"decoded", "FETCH")),
    Fault("Message-ID in the place of In-Reply-To", "FETCH", "7.4.2", "7.4.2-fetch/envelope", says(rb'("<[^"]*>"|NIL) ("<[^"]*>")\)\)', rb"\2 \1))", "FETCH")),
    Fault("the domain before the local part", "FETCH", "7.4.2", "7.4.2-fetch/envelope", says(rb'NIL ("[^" ]*") ("[^" ]*\.[^" ]*")\)', rb"NIL \2 \1)", "FETCH")),
    Fault("quotes of a name stay in an envelope", "FETCH", "7.4.2", "7.4.2-fetch/envelope", says(rb'\(\("([^"]*)" NIL', rb'(("\\"\1\\"" NIL', "FETCH")),
    Fault("Date is told anew", "FETCH", "7.4.2", "7.4.2-envelope/dates", says(rb'ENVELOPE \("[^"]*"', b'ENVELOPE ("Mon, 1 Jan 1990 00:00:00 +0000"', "FETCH")),
    Fault("BODY with extension data", "FETCH", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'(BODY \("TEXT" .*)\)\)\r\n', b"\\1 NIL NIL))\r\n", "FETCH")),
    Fault("one line too many in a body structure", "FETCH", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'"[78]BIT" \d+ (\d+)', plus(1), "FETCH")),
    Fault("one octet too many in a body structure", "FETCH", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'"[78]BIT" (\d+)', plus(1), "FETCH")),
    Fault("another subtype in a body structure", "FETCH", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'"plain"', b'"html"', "FETCH")),
    Fault("a body structure without its parameters", "FETCH", "7.4.2", "7.4.2-fetch/body-of-plain-text", says(rb'("TEXT" "PLAIN") \([^)]*\)', rb"\1 NIL", "FETCH")),
    Fault("parts in another order", "FETCH", "7.4.2", "7.4.2-fetch/body-of-a-multipart", Replies(lambda r: [_swapped_parts(r.octets)], "FETCH")),
    Fault("a part without its transfer encoding", "FETCH", "7.4.2", "7.4.2-body-structure/each-encoding", says(rb'"(BASE64|QUOTED-PRINTABLE)"', b'"7BIT"', "FETCH")),
    Fault("BODY[1] is BODY[2]", "FETCH", "6.4.5", "6.4.5-parts/example-of-the-rfc", Both(becomes("FETCH", rb"\[1\]", b"[2]"), says(rb"BODY\[2\]", b"BODY[1]", "FETCH"))),
    Fault("a part with its MIME header", "FETCH", "6.4.5", "6.4.5-fetch/text-of-a-part", _texts(lambda t: b"Content-Type: text/plain\r\n\r\n" + t, rb"BODY\[1[^{]*")),
    Fault("a part is decoded", "FETCH", "6.4.5", "6.4.5-parts/encoded-parts", _texts(lambda t: t.replace(b"=", b""))),
    Fault("MIME returns the header of the message", "FETCH", "6.4.5", "6.4.5-parts/mime-of-each-part", Both(becomes("FETCH", rb"\[\d\.MIME\]", b"[HEADER]"), says(rb"BODY\[HEADER\]", b"BODY[1.MIME]", "FETCH"))),
    Fault("a message of the set is left out", "FETCH", "6.4.5", "6.4.5-fetch/every-message-every-item", omits_first(rb"\A\* \d+ FETCH", "FETCH")),
    Fault("an item is left out", "FETCH", "6.4.5", "6.4.5-fetch/every-message-every-item", says(rb"RFC822\.SIZE \d+ ?", b"", "FETCH")),
    Fault("ALL has no ENVELOPE", "FETCH", "6.4.5", "6.4.5-fetch/macro-all", becomes("FETCH", rb"\bALL\b", b"FAST")),
    Fault("FULL is ALL", "FETCH", "6.4.5", "6.4.5-fetch/macro-full", becomes("FETCH", rb"\bFULL\b", b"ALL")),
    Fault("BODY.PEEK is told as it was asked for", "FETCH", "7.4.2 6.4.5", "6.4.5-fetch/peek-leaves-unseen", says(rb"BODY\[", b"BODY.PEEK[", "FETCH")),
    Fault("RFC822 is told as BODY[]", "FETCH", "6.4.5", "6.4.5-fetch/two-names-for-one-text", says(rb"RFC822 (?=\{|\")", b"BODY[] ", "FETCH")),
    Fault("HEADER without its blank line", "FETCH", "6.4.5", "6.4.5-fetch/header-and-text", says(rb"(BODY\[HEADER\]) \{(\d+)\}\r\n(.*?)\r\n\r\n", lambda m: b"%s {%d}\r\n%s\r\n" % (m[1], int(m[2]) - 2, m[3]), "FETCH")),
    Fault("TEXT is the whole message", "FETCH", "6.4.5", "6.4.5-fetch/header-and-text", Both(becomes("FETCH", rb"BODY\.PEEK\[TEXT\]", b"BODY.PEEK[]"), says(rb"BODY\[\]", b"BODY[TEXT]", "FETCH"))),
    Fault("a list of one item is refused", "FETCH", "6.4.5", "6.4.5-fetch/single-item-or-list", answers("FETCH", "BAD what", asked=rb"\AFETCH \S+ \(\w+\)\Z")),
    Fault("RFC822.SIZE differs from BODY[]", "FETCH", "2.3.4 7.4.2 6.4.5", "2.3.4-size/octets-not-characters", says(rb"RFC822\.SIZE (\d+)", plus(2), "FETCH")),
    Fault("BODY[HEADER] unfolds", "FETCH", "6.4.5", "6.4.5-fetch/header-fields", _texts(lambda t: re.sub(rb"\r\n[ \t]", b" ", t), rb"BODY\[HEADER\] ")),
    Fault("BODY[TEXT] without its last line end", "FETCH", "6.4.5", "6.4.5-fetch/every-message-every-item", _texts(lambda t: t.removesuffix(b"\r\n"), rb"BODY\[TEXT\] ")),
    Fault("HEADER.FIELDS in capital letters", "FETCH", "6.4.5", "6.4.5-fetch/every-message-every-item", _texts(lambda t: t.upper(), rb"HEADER\.FIELDS \([^)]*\)\] ")),
    Fault("BODY[1] of a plain message is empty", "FETCH", "6.4.5", "6.4.5-fetch/part-one-of-a-plain-message", says(rb"BODY\[1\] (?:\{(\d+)\}\r\n.*)\)\r\n\Z", b'BODY[1] "")\r\n', "FETCH")),
    Fault("BODY[] in EXAMINE is refused", "FETCH", "6.3.2 6.4.5 3.3", "3.3-selected/commands-on-messages-after-examine", answers("FETCH", "NO read-only", asked=rb"BODY\[", when=examined)),
    Fault("only the first message of a FETCH gets \\Seen", "FETCH", "6.4.5", "6.4.5-fetch/body-sets-seen", Commands("FETCH", lambda c: [c.saying(re.sub(rb"BODY\[", b"BODY.PEEK[", c.words)), *([Hidden(b"STORE 1 +FLAGS.SILENT (\\Seen)")] if b"BODY[" in c.words else [])])),
    Fault("PEEK of a partial sets \\Seen", "FETCH", "6.4.5", "6.4.5-fetch/peek-leaves-unseen", becomes("FETCH", rb"BODY\.PEEK\[([^\]]*)\]<", rb"BODY[\1]<")),
    Fault("UID FETCH of BODY[] sets no \\Seen", "FETCH", "6.4.5 6.4.8", "6.4.5-fetch/uid-forms", becomes("UID FETCH", rb"BODY\[", b"BODY.PEEK[")),
    Fault("the date of an envelope gets another zone", "FETCH", "7.4.2", "7.4.2-envelope/dates", says(rb'ENVELOPE \("([^"]*) [+-]\d{4}', rb'ENVELOPE ("\1 +0000', "FETCH")),
    Fault("only the first address of a field", "FETCH", "7.4.2", "7.4.2-envelope/forty-addresses", says(rb"\((\([^()]*\))(?:\([^()]*\))+\)", rb"(\1)", "FETCH")),
    Fault("hosts in capital letters", "FETCH", "7.4.2", "7.4.2-fetch/envelope", says(rb'"[\w.-]+\.(?:example|org|com)"\)', lambda m: m[0].upper(), "FETCH")),
    Fault("another charset in a body structure", "FETCH", "7.4.2", "7.4.2-fetch/body-defaults", says(rb'\("charset" "[^"]*"\)', b'("charset" "x-unknown")', "FETCH")),
    Fault("Content-ID without its angle brackets", "FETCH", "7.4.2", "7.4.2-body-structure/braces-in-strings", says(rb'"<([^"]*)>" ("[^"]*"|NIL) "(BASE64|7BIT|8BIT)"', rb'"\1" \2 "\3"', "FETCH")),
    Fault("descriptions are lost", "FETCH", "7.4.2", "7.4.2-body-structure/braces-in-strings", says(rb'("<[^"]*>") "[^"]*" (")', rb"\1 NIL \2", "FETCH")),
    Fault("multipart subtype is always MIXED", "FETCH", "7.4.2", "7.4.2-body-structure/alternative", says(rb'\)(?: )"(?:ALTERNATIVE|DIGEST|SIGNED|RELATED|REPORT|PARALLEL)"', b') "MIXED"', "FETCH")),
    Fault("message/rfc822 without its lines", "FETCH", "7.4.2", "7.4.2-body-structure/digest", says(rb"(\)) (\d+)\)", rb"\1 0)", "FETCH")),

    # --- SEARCH --------------------------------------------------------------------------------------------------------
    Fault("the last match is missing", "SEARCH", "6.4.4", "6.4.4-search/all", says(rb"\A(\* SEARCH.*) \d+\r\n", b"\\1\r\n", "SEARCH")),
    Fault("a message too many", "SEARCH", "6.4.4", "6.4.4-search/subject", says(rb"\A\* SEARCH", b"* SEARCH 1", "SEARCH")),
    Fault("a match twice", "SEARCH", "7.2.5", "6.4.4-search/all", says(rb"\A\* SEARCH (\d+)", rb"* SEARCH \1 \1", "SEARCH")),
    Fault("a number beyond the mailbox", "SEARCH", "6.4.4 7.2.5", "6.4.4-search/all", says(rb"\A(\* SEARCH.*)\r\n", b"\\1 99\r\n", "SEARCH")),
    Fault("OR is and", "SEARCH", "6.4.4", "6.4.4-search/and-or-not-parentheses", becomes("SEARCH", rb"\bOR ", b"")),
    Fault("NOT is passed over", "SEARCH", "6.4.4", "6.4.4-search/and-or-not-parentheses", becomes("SEARCH", rb"\bNOT ", b"")),
    Fault("several keys are or", "SEARCH", "6.4.4", "6.4.4-search/and-or-not-parentheses", becomes("SEARCH", rb"\ASEARCH (\w+ \S+) (\w+ \S+)\Z", rb"SEARCH OR \1 \2")),
    Fault("parentheses are passed over", "SEARCH", "6.4.4", "6.4.4-search/keys-within-keys", becomes("SEARCH", rb"[()]", b"")),
    Fault("ALL leaves out messages flagged \\Deleted", "SEARCH", "6.4.4", "6.4.4-search/all", becomes("SEARCH", rb"\bALL\b", b"UNDELETED")),
    Fault("SINCE leaves out its day", "SEARCH", "6.4.4", "6.4.4-search/days-of-arrival", becomes("SEARCH", rb"\bSINCE (\S+)", rb"SINCE \1 NOT ON \1")),
    Fault("BEFORE has its day", "SEARCH", "6.4.4", "6.4.4-search/days-of-arrival", becomes("SEARCH", rb"\bBEFORE (\S+)", rb"OR BEFORE \1 ON \1")),
    Fault("ON is SINCE", "SEARCH", "6.4.4", "6.4.4-search/days-of-arrival", becomes("SEARCH", rb"\bON ", b"SINCE ")),
    Fault("SENTON goes by the internal date", "SEARCH", "6.4.4", "6.4.4-search/days-of-sending", becomes("SEARCH", rb"\bSENT", b"")),
    Fault("ON goes by the Date field", "SEARCH", "6.4.4", "6.4.4-search/days-of-arrival", becomes("SEARCH", rb"\b(?=ON )", b"SENT")),
    Fault("FROM looks at all addresses", "SEARCH", "6.4.4", "6.4.4-search/address-keys", becomes("SEARCH", rb"\bFROM (\S+)", rb"TEXT \1")),
    Fault("TO is CC", "SEARCH", "6.4.4", "6.4.4-search/address-keys", becomes("SEARCH", rb"\bTO ", b"CC ")),
    Fault("BCC is not looked at", "SEARCH", "6.4.4", "6.4.4-search/address-keys", becomes("SEARCH", rb"\bBCC ", b"CC ")),
    Fault("BODY looks into the header", "SEARCH", "6.4.4", "6.4.4-search/body-and-text", becomes("SEARCH", rb"\bBODY ", b"TEXT ")),
    Fault("TEXT does not look into the header", "SEARCH", "6.4.4", "6.4.4-search/body-and-text", becomes("SEARCH", rb"\bTEXT ", b"BODY ")),
    Fault("SUBJECT looks everywhere", "SEARCH", "6.4.4", "6.4.4-search/subject", becomes("SEARCH", rb"\bSUBJECT ", b"TEXT ")),
    Fault("HEADER looks into all fields", "SEARCH", "6.4.4", "6.4.4-search/header-key", becomes("SEARCH", rb'\bHEADER \S+ (?="?\w)', b"TEXT ")),
    Fault("LARGER has its size", "SEARCH", "6.4.4", "6.4.4-search/sizes", becomes("SEARCH", rb"\bLARGER (\d+)", plus(-1))),
    Fault("SMALLER has its size", "SEARCH", "6.4.4", "6.4.4-search/sizes", becomes("SEARCH", rb"\bSMALLER (\d+)", plus(1))),
    Fault("UNSEEN is SEEN", "SEARCH", "6.4.4", "6.4.4-search/flag-keys", becomes("SEARCH", rb"\bUNSEEN\b", b"SEEN")),
    Fault("DRAFT is unknown", "SEARCH", "6.4.4", "6.4.4-search/flag-keys", answers("SEARCH", "BAD what", asked=rb"\bDRAFT")),
    Fault("NEW is RECENT", "SEARCH", "6.4.4", "6.4.4-search/new-recent-and-old", becomes("SEARCH", rb"\bNEW\b", b"RECENT")),
    Fault("OLD is SEEN", "SEARCH", "6.4.4", "6.4.4-search/new-recent-and-old", becomes("SEARCH", rb"\bOLD\b", b"SEEN")),
    Fault("UNKEYWORD is KEYWORD", "SEARCH", "6.4.4", "6.4.4-search/keyword-and-unkeyword", becomes("SEARCH", rb"\bUNKEYWORD", b"KEYWORD")),
    Fault("an unused keyword is refused", "SEARCH", "6.4.4", "6.4.4-search/unused-keyword", answers("SEARCH", "NO no such keyword", asked=rb"\b(?:UN)?KEYWORD")),
    Fault("UID among the keys is passed over", "SEARCH", "6.4.4", "6.4.4-search/uid-sets", becomes("SEARCH", rb"(?<=\ASEARCH )UID ", b"")),
    Fault("an unknown charset is passed over", "SEARCH", "6.4.4", "6.4.4-search/charset-unknown", becomes("SEARCH", rb"CHARSET (?!US-ASCII|UTF)\S+ ", b"")),
    Fault("an unknown charset is answered BAD", "SEARCH", "6.4.4", "6.4.4-search/charset-unknown", completes("(UID )?SEARCH", b"BAD what", instead_of=b"NO.*")),
    Fault("the charset US-ASCII is refused", "SEARCH", "6.4.4", "6.4.4-search/charset-us-ascii", answers("SEARCH", "NO [BADCHARSET] what", asked=rb"CHARSET")),
    Fault("strings match in the case of their letters only", "SEARCH", "6.4.4", "6.4.4-search/substrings", answers("SEARCH", "OK done", b"* SEARCH", asked=rb'(?-i:(?:SUBJECT|FROM|TEXT|BODY) "?[A-Z]{2,})')),
    Fault("strings match whole words only", "SEARCH", "6.4.4", "6.4.4-search/substrings", answers("SEARCH", "OK done", b"* SEARCH", asked=rb'SUBJECT "?\w{1,3}"?\Z')),
    Fault("sets of numbers match the first only", "SEARCH", "6.4.4", "6.4.4-search/sets-of-numbers", becomes("SEARCH", rb"\ASEARCH (\d+)[:,]\S+", rb"SEARCH \1")),
    Fault("SEARCH sets \\Seen", "SEARCH", "6.4.4", "6.4.4-search/search-sets-no-flags", also("SEARCH", rb"STORE 1:* +FLAGS.SILENT (\\Seen)", asked=rb"BODY|TEXT")),
    Fault("a SEARCH in reply to NOOP", "SEARCH", "7.2.5", "7.2.5-search/only-after-a-search", adds(rb"\A[^ *+]+ OK", b"* SEARCH 1", of="NOOP", when=selected)),
    Fault("BADCHARSET in reply to something else", "SEARCH", "7.1", "6.3.1-select/no-such-mailbox", says(rb"\A(\S+ NO) (?:\[\S+\] )?", rb"\1 [BADCHARSET] ", "SELECT")),
    Fault("SEARCH does not find messages flagged \\Deleted", "SEARCH", "6.4.4", "6.4.4-search/all", becomes("SEARCH", rb"\ASEARCH (.*)", rb"SEARCH UNDELETED \1")),
    Fault("SUBJECT does not find drafts", "SEARCH", "6.4.4", "6.4.4-search/a-key-or-its-contrary", becomes("SEARCH", rb"\bSUBJECT", b"UNDRAFT SUBJECT")),
    Fault("ANSWERED is FLAGGED", "SEARCH", "6.4.4", "6.4.4-search/flag-keys", becomes("SEARCH", rb"\bANSWERED", b"FLAGGED")),
    Fault("UNDRAFT finds all", "SEARCH", "6.4.4", "6.4.4-search/flag-keys", becomes("SEARCH", rb"\bUNDRAFT", b"ALL")),
    Fault("SENTSINCE leaves out its day", "SEARCH", "6.4.4", "6.4.4-search/days-of-sending", becomes("SEARCH", rb"\bSENTSINCE (\S+)", rb"SENTSINCE \1 NOT SENTON \1")),
    Fault("SENTBEFORE has its day", "SEARCH", "6.4.4", "6.4.4-search/days-of-sending", becomes("SEARCH", rb"\bSENTBEFORE (\S+)", rb"OR SENTBEFORE \1 SENTON \1")),
    Fault("HEADER with an empty string finds all", "SEARCH", "6.4.4", "6.4.4-search/header-with-empty-string", becomes("SEARCH", rb'HEADER \S+ ""', b"ALL")),
    Fault("HEADER with an empty string finds nothing", "SEARCH", "6.4.4", "6.4.4-search/header-with-empty-string", becomes("SEARCH", rb'HEADER \S+ ""', b"NOT ALL")),
    Fault("CC finds nothing", "SEARCH", "6.4.4", "6.4.4-search/address-keys", becomes("SEARCH", rb"\bCC \S+", b"NOT ALL")),
    Fault("the star in SEARCH is the first message", "SEARCH", "6.4.4", "6.4.4-search/star", becomes("SEARCH", rb"\*", b"1")),
    Fault("NOT covers all that follows", "SEARCH", "6.4.4", "6.4.4-search/a-key-or-its-contrary", becomes("SEARCH", rb"\bNOT (\w+ .*)", rb"NOT (\1)")),
    Fault("OR takes three keys", "SEARCH", "6.4.4", "6.4.4-search/a-key-or-its-contrary", becomes("SEARCH", rb"\bOR (\w+) (\w+) (\w+)\Z", rb"OR \1 OR \2 \3")),

    # --- LIST, LSUB, names ---------------------------------------------------------------------------------------------
    Fault("% crosses levels", "LIST", "6.3.8", "6.3.8-list/wildcards", becomes("LIST", rb"%", b"*")),
    Fault("* stops at levels", "LIST", "6.3.8", "6.3.8-list/wildcards", becomes("LIST", rb"\*", b"%")),
    Fault("a wildcard matches one character at least", "LIST", "6.3.8", "6.3.8-list/wildcard-inside", Commands("LIST", lambda c: [c.saying(c.words)] if b"*" not in c.words else [Back(b""), c.completed("OK done")])),
    Fault("the delimiter is NIL for some names", "LIST", "7.2.2", "7.2.2-list/one-delimiter", first_says(rb'\A(\* LIST \([^)]*\)) "."', rb"\1 NIL", "LIST")),
    Fault("the empty pattern is answered by nothing", "LIST", "6.3.8", "6.3.8-list/empty-pattern", omits(rb'"?"?\r\n\Z', "LIST", when=lambda c: any(p.words.endswith(b'"" ""') for p in c.pending))),
    Fault("the empty pattern lists all names", "LIST", "6.3.8", "6.3.8-list/empty-pattern", becomes("LIST", rb'\ALIST "" ""', b'LIST "" "*"')),
    Fault("a name without its last character", "LIST", "6.3.8 7.2.2", "6.3.8-list/no-wildcard", says(rb'\A(\* LIST .*\w)\w("?)\r\n\Z', b"\\1\\2\r\n", "LIST")),
    Fault("the reference is passed over", "LIST", "6.3.8", "6.3.8-list/reference", becomes("LIST", rb"\ALIST \S+", b'LIST ""')),
    Fault("a name twice", "LIST", "6.3.8", "6.3.8-list/last-percent-returns-levels", repeats(rb"\A\* LIST", "LIST")),
    Fault("a name is missing", "LIST", "6.3.8", "6.3.8-list/wildcards", omits_first(rb"\A\* LIST", "LIST")),
    Fault("a name that does not match", "LIST", "6.3.8", "6.3.8-list/no-match", adds(rb"\A[^ *+]+ OK", b'* LIST () "/" imapspec-other', of="LIST")),
    Fault("INBOX is not listed", "LIST", "6.3.8", "6.3.8-list/inbox", omits(rb"INBOX\"?\r\n", "LIST")),
    Fault("levels without a mailbox are not listed", "LIST", "6.3.8", "6.3.8-list/level-that-is-no-mailbox", omits(rb"\\Non?(?:select|existent)", "LIST")),
    Fault("levels without a mailbox are listed as mailboxes", "LIST", "6.3.8 7.2.2", "6.3.8-list/level-that-is-no-mailbox", says(rb"\\No(?:select|nexistent) ?", b"", "LIST")),
    Fault("a mailbox is \\Noselect", "LIST", "7.2.2", "7.2.2-list/selectable", says(rb"\A\* LIST \(", rb"* LIST (\\Noselect ", "LIST")),
    Fault("all names are \\Noinferiors", "LIST", "7.2.2", "7.2.2-list/noinferiors-with-inferiors", says(rb"\A\* LIST \(", rb"* LIST (\\Noinferiors ", "LIST")),
    Fault("all names are \\Unmarked", "LIST", "7.2.2", "7.2.2-list/unmarked", says(rb"\A\* LIST \((?:\\HasNoChildren)?", rb"* LIST (\\Unmarked", "LIST")),
    Fault("an attribute twice", "LIST", "7.2.2", "6.3.8-list/no-wildcard", says(rb"\A\* LIST \((\\\w+)", rb"* LIST (\1 \1", "LIST")),
    Fault("LIST is refused with a reference", "LIST", "6.3.8", "6.3.8-list/reference", answers("LIST", "NO no references", asked=rb'\ALIST (?!"" )')),
    Fault("LSUB lists all mailboxes", "LIST", "6.3.9", "6.3.9-lsub/only-what-is-subscribed", Both(becomes("LSUB", rb"\ALSUB", b"LIST"), says(rb"\A\* LIST", b"* LSUB", "LSUB"))),
    Fault("LSUB % lists no superior", "LIST", "6.3.9", "6.3.9-lsub/percent-returns-superior", omits(rb"\\Noselect", "LSUB")),
    Fault("LSUB % lists superiors as subscribed", "LIST", "6.3.9", "6.3.9-lsub/percent-returns-superior", says(rb"\\Noselect ?", b"", "LSUB")),
    Fault("LSUB leaves out names without a mailbox", "LIST", "6.3.9 6.3.6", "6.3.6-subscribe/survives-delete-in-later-sessions", also("DELETE", rb"UNSUBSCRIBE \1", asked=rb"\ADELETE (.*)")),
    Fault("the wildcards of LSUB are one", "LIST", "6.3.9", "6.3.9-lsub/percent-returns-superior", becomes("LSUB", rb"%", b"*")),
    Fault("SUBSCRIBE does nothing", "LIST", "6.3.6", "6.3.6-subscribe/subscribe", answers("SUBSCRIBE", "OK done")),
    Fault("SUBSCRIBE makes the mailbox", "LIST", "6.3.6", "6.3.6-subscribe/creates-no-mailbox", also("SUBSCRIBE", rb"CREATE \1", asked=rb"\ASUBSCRIBE (.*)")),
    Fault("SUBSCRIBE forgets what was subscribed", "LIST", "6.3.6", "6.3.6-subscribe/adds-to-the-others", _subscribes_one()),
    Fault("UNSUBSCRIBE does nothing", "LIST", "6.3.7", "6.3.7-unsubscribe/unsubscribe", answers("UNSUBSCRIBE", "OK done")),
    Fault("UNSUBSCRIBE deletes the mailbox", "LIST", "6.3.7", "6.3.7-unsubscribe/keeps-the-mailbox", also("UNSUBSCRIBE", rb"DELETE \1", asked=rb"\AUNSUBSCRIBE (.*)")),
    Fault("LIST tells another delimiter", "LIST", "7.2.2 6.3.8", "6.3.8-list/root-of-a-reference", says(rb'\A(\* LIST \([^)]*\)) "."', rb'\1 "."', "LIST")),
    Fault("LSUB tells another delimiter than LIST", "LIST", "7.2.3", "7.2.3-lsub/same-delimiter", says(rb'\A(\* LSUB \([^)]*\)) "."', rb'\1 "."', "LSUB")),
    Fault("LSUB adds a space to names", "LIST", "7.2.3 6.3.9", "7.2.3-lsub/same-delimiter", says(rb'"?\r\n\Z', lambda m: b" " + m[0], "LSUB")),
    Fault("LSUB says \\Noselect of subscribed mailboxes", "LIST", "6.3.9 7.2.3", "6.3.9-lsub/of-each-user", says(rb"\A\* LSUB \(", rb"* LSUB (\\Noselect ", "LSUB")),

    Fault("modified UTF-7 is decoded", "names", "5.1 5.1.3", "5.1.3-international-names/base64-kept", says(rb"&[A-Za-z0-9+,]+-", b"\xc3\xa4", "LIST")),
    Fault("modified UTF-7 in small letters", "names", "5.1.3", "5.1.3-international-names/base64-kept", says(rb"&[A-Za-z0-9+,]+-", lambda m: m[0].lower(), "LIST")),
    Fault("&- is told as &", "names", "5.1.3", "5.1.3-international-names/ampersand", says(rb"&-", b"&", "LIST|LSUB|STATUS")),
    Fault("INBOX in capital letters only", "names", "5.1", "5.1-mailbox-naming/inbox-in-any-case", answers("SELECT|STATUS|EXAMINE", "NO no such mailbox", asked=rb"(?-i:inbox|Inbox|InBoX)")),
    Fault("STATUS bears another name", "names", "7.2.4", "7.2.4-status/name-that-was-asked-for", says(rb"\A\* STATUS (\S+)box ", rb"* STATUS \1b0x ", "STATUS")),
    Fault("STATUS without one of its items", "names", "7.2.4", "7.2.4-status/all-items-in-any-order", says(rb"UIDNEXT \d+ ?", b"", "STATUS")),
    Fault("an item of STATUS twice", "names", "7.2.4", "7.2.4-status/all-items-in-any-order", says(rb"(UIDNEXT \d+)", rb"\1 \1", "STATUS")),
    Fault("MESSAGES of STATUS is one too high", "names", "6.3.10", "6.3.10-status/equals-select", says(rb"MESSAGES (\d+)", plus(1), "STATUS")),
    Fault("UNSEEN of STATUS is the first unseen message", "names", "6.3.10", "6.3.10-status/unseen-is-a-count", says(rb"UNSEEN \d+", b"UNSEEN 1", "STATUS")),
    Fault("RECENT of STATUS is always 0", "names", "6.3.10", "6.3.10-status/recent-is-a-count", says(rb"RECENT \d+", b"RECENT 0", "STATUS")),
    Fault("UIDVALIDITY of STATUS is another", "names", "6.3.10 2.3.1.1", "6.3.10-status/equals-select", says(rb"UIDVALIDITY (\d+)", plus(1), "STATUS")),
    Fault("CREATE does nothing", "names", "6.3.3", "6.3.3-create/existing-name-with-a-delimiter", answers("CREATE", "OK done", asked=rb"new|two|other|sub|${|/")),
    Fault("CREATE of a mailbox that exists is answered OK", "names", "6.3.3", "6.3.3-create/existing-name", completes("CREATE", b"OK done", instead_of=b"NO.*")),
    Fault("CREATE of INBOX is answered OK", "names", "6.3.3", "6.3.3-create/inbox", answers("CREATE", "OK done", asked=rb"\ACREATE \"?inbox\"?\Z")),
    Fault("CREATE keeps the delimiter at the end", "names", "6.3.3", "6.3.3-create/trailing-delimiter", answers("CREATE", "NO bad name", asked=rb"/\"?\Z")),
    Fault("CREATE makes no superiors", "names", "6.3.3", "6.3.3-create/missing-superiors", answers("CREATE", "NO make the superior first", asked=rb"/[^/]+/")),
    Fault("DELETE does nothing", "names", "6.3.4", "6.3.4-delete/removes", answers("DELETE", "OK done")),
    Fault("DELETE of no mailbox is answered OK", "names", "6.3.4", "6.3.4-delete/no-such-mailbox", completes("DELETE", b"OK done", instead_of=b"NO.*")),
    Fault("DELETE of INBOX is answered OK", "names", "6.3.4", "6.3.4-delete/inbox", answers("DELETE", "OK done", asked=rb"inbox")),
    Fault("DELETE removes inferiors", "names", "6.3.4", "6.3.4-delete/keeps-inferiors", _deletes_inferiors()),
    Fault("DELETE keeps the messages for a new mailbox", "names", "6.3.4", "6.3.4-delete/messages-are-gone", _renames_aside()),
    Fault("RENAME does nothing", "names", "6.3.5", "6.3.5-rename/moves", answers("RENAME", "OK done")),
    Fault("RENAME leaves the old name", "names", "6.3.5", "6.3.5-rename/moves", also("RENAME", rb"CREATE \1", asked=rb"\ARENAME (\S+)")),
    Fault("RENAME makes an empty mailbox", "names", "6.3.5", "6.3.5-rename/moves", Commands("RENAME", lambda c: [Hidden(b"DELETE " + c.arguments.split()[0]), c.saying(b"CREATE " + c.arguments.split()[-1])])),
    Fault("RENAME of no mailbox is answered OK", "names", "6.3.5", "6.3.5-rename/no-such-mailbox", completes("RENAME", b"OK done", instead_of=b"NO.*")),
    Fault("RENAME to a name that exists is answered OK", "names", "6.3.5", "6.3.5-rename/existing-name", completes("RENAME", b"OK done", instead_of=b"NO.*")),
    Fault("RENAME replaces what exists", "names", "6.3.5", "6.3.5-rename/existing-name", also("RENAME", rb"DELETE \1", asked=rb"\ARENAME \S+ (\S+)", first=True)),
    Fault("RENAME unsubscribes the old name", "names", "6.3.5 6.3.6", "6.3.5-rename/subscription-stays", also("RENAME", rb"UNSUBSCRIBE \1", asked=rb"\ARENAME (\S+)")),
    Fault("RENAME of INBOX leaves the messages", "names", "6.3.5", "6.3.5-rename/of-inbox", becomes("RENAME", rb"\ARENAME INBOX (\S+)", rb"CREATE \1")),
    Fault("RENAME moves no inferiors", "names", "6.3.5", "6.3.5-rename/inferiors", _leaves_inferiors()),
    Fault("RECENT in STATUS counts unseen", "names", "6.3.10", "6.3.10-status/each-item-alone", says(rb"RECENT \d+", b"RECENT 2", "STATUS")),
    Fault("RENAME changes UIDs", "names", "6.3.5 2.3.1.1", "6.3.5-rename/deep-inferiors", Commands("RENAME", lambda c: [Hidden(b"CREATE " + c.arguments.split()[1]), Hidden(b"SELECT " + c.arguments.split()[0]), Hidden(b"COPY 1:* " + c.arguments.split()[1]), Hidden(b"UNSELECT"), c.saying(b"DELETE " + c.arguments.split()[0])])),
    Fault("RENAME clears flags", "names", "6.3.5", "6.3.5-rename/messages-unchanged", also("RENAME", rb"SELECT \1", rb"STORE 1:* FLAGS.SILENT ()", b"UNSELECT", asked=rb"\ARENAME \S+ (\S+)")),
    Fault("DELETE of a superior deletes nothing", "names", "6.3.4", "6.3.4-delete/noselect-with-inferiors", Commands("DELETE", lambda c: [c.completed("OK done")] if _inferiors(c, c.arguments) else [c.octets])),

    # --- APPEND --------------------------------------------------------------------------------------------------------
    Fault("APPEND drops the flags", "APPEND", "6.3.11", "6.3.11-append/flags", becomes("APPEND", rb"\A(APPEND \S+) \([^)]*\)", rb"\1")),
    Fault("APPEND drops the date", "APPEND", "6.3.11", "6.3.11-append/date", becomes("APPEND", rb'\A(APPEND \S+(?: \([^)]*\))?) "[^"]*"', rb"\1")),
    Fault("APPEND takes the date for UTC", "APPEND", "6.3.11", "6.3.11-append/zones", becomes("APPEND", rb' [+-]\d{4}"', b' +0000"')),
    Fault("APPEND sets \\Seen", "APPEND", "6.3.11", "6.3.11-append/no-flags", becomes("APPEND", rb"\A(APPEND \S+) \{", rb"\1 (\\Seen) {")),
    Fault("APPEND does nothing", "APPEND", "6.3.11", "6.3.11-append/at-the-end", Commands("APPEND", lambda c: [c.octets] if _appended(c) < 3 else [c.completed("OK done")])),
    Fault("APPEND appends twice", "APPEND", "6.3.11", "6.3.11-append/at-the-end", also("APPEND", rb"\g<0>", asked=rb"\A.*\Z")),
    Fault("APPEND makes the mailbox", "APPEND", "6.3.11", "6.3.11-append/trycreate", also("APPEND", rb"CREATE \1", asked=rb"\AAPPEND (\S+)", first=True)),
    Fault("APPEND makes the mailbox and then fails", "APPEND", "6.3.11", "6.3.11-append/trycreate", also("APPEND", rb"CREATE \1", asked=rb"\AAPPEND (\S+)")),
    Fault("APPEND fails without TRYCREATE", "APPEND", "6.3.11", "6.3.11-append/trycreate", says(rb"\[TRYCREATE\] ", b"", "APPEND")),
    Fault("APPEND to no mailbox is answered OK", "APPEND", "6.3.11", "6.3.11-append/no-such-mailbox", completes("APPEND", b"OK done", instead_of=b"NO.*")),
    Fault("APPEND fails and appends all the same", "APPEND", "6.3.11", "6.3.11-append/keywords", completes("APPEND", b"NO full", when=selected)),
    Fault("APPEND loses the last octet", "APPEND", "6.3.11", "6.3.11-append/at-the-end", _appends(lambda t: t[:-1])),
    Fault("APPEND ends the last line", "APPEND", "6.3.11", "6.3.11-append/no-last-line-end", _appends(lambda t: t if t.endswith(b"\r\n") else t + b"\r\n")),
    Fault("APPEND makes spaces of tabs", "APPEND", "6.3.11", "6.3.11-append/awkward-lines", _appends(lambda t: t.replace(b"\t", b" "))),
    Fault("APPEND adds a header field", "APPEND", "6.3.11", "6.3.11-append/at-the-end", _appends(lambda t: b"X-Seen-By: proxy\r\n" + t)),
    Fault("APPEND to the selected mailbox is not told", "APPEND", "6.3.11 5.2", "6.3.11-append/to-the-selected-mailbox", omits(rb"\A\* \d+ EXISTS", "APPEND|NOOP"), hangs=True),
    Fault("APPEND with keywords is refused", "APPEND", "6.3.11", "6.3.11-append/keywords", answers("APPEND", "NO no keywords", asked=rb"\AAPPEND \S+ \([^)\\]")),
    Fault("APPEND with a date of one digit is refused", "APPEND", "6.3.11", "6.3.11-append/single-digit-day", answers("APPEND", "BAD what", asked=rb'" \d-')),
    Fault("APPEND knows no leap day", "APPEND", "6.3.11", "6.3.11-append/bounds-of-months-and-years", answers("APPEND", "NO no such day", asked=rb'"29-Feb')),
    Fault("APPEND without a literal is answered OK", "APPEND", "6.3.11 2.2.2", "6.3.11-append/malformed", completes("APPEND", b"OK done", instead_of=b"BAD.*")),
    Fault("APPEND flags all others", "APPEND", "6.3.11", "6.3.11-append/each-system-flag", Commands("APPEND", lambda c: [c.octets, Hidden(b"SELECT " + c.arguments.split(b" ")[0]), Hidden(b"STORE 1:* +FLAGS.SILENT (\\Answered)"), Hidden(b"UNSELECT")] if not selected(c.connection) else [c.octets])),
    Fault("APPEND keeps the first flag only", "APPEND", "6.3.11", "6.3.11-append/each-system-flag", becomes("APPEND", rb"\A(APPEND \S+ \(\S+) [^)]*\)", rb"\1)")),
    Fault("APPEND takes each month for March", "APPEND", "6.3.11", "6.3.11-append/bounds-of-months-and-years", becomes("APPEND", rb'"(..)-(Feb|Jul)-', rb'"\1-Mar-')),

    # --- COPY ----------------------------------------------------------------------------------------------------------
    Fault("COPY copies the first message only", "COPY", "6.4.7", "6.4.7-copy/every-message-of-the-set", becomes("COPY", rb"\ACOPY (\d+)[:,]\S+", rb"COPY \1")),
    Fault("COPY does nothing", "COPY", "6.4.7", "6.4.7-copy/copies-to-the-end", answers("COPY", "OK done")),
    Fault("COPY copies twice", "COPY", "6.4.7", "6.4.7-copy/copies-to-the-end", also("COPY", rb"\g<0>", asked=rb"\A.*\Z")),
    Fault("COPY moves", "COPY", "6.4.7", "6.4.7-copy/copies-to-the-end", also("COPY", rb"STORE \1 +FLAGS.SILENT (\\Deleted)", b"EXPUNGE", asked=rb"\ACOPY (\S+)")),
    Fault("COPY flags the originals", "COPY", "6.4.7", "6.4.7-copy/originals-keep-their-flags", also("COPY", rb"STORE \1 +FLAGS.SILENT (\\Seen)", asked=rb"\ACOPY (\S+)")),
    Fault("COPY drops the flags", "COPY", "6.4.7", "6.4.7-copy/keeps-flags-and-date", _copies_without_flags()),
    Fault("COPY makes the mailbox", "COPY", "6.4.7", "6.4.7-copy/missing-destination", also("COPY", rb"CREATE \1", asked=rb"\ACOPY \S+ (\S+)", first=True)),
    Fault("COPY fails without TRYCREATE", "COPY", "6.4.7", "6.4.7-copy/missing-destination", says(rb"\[TRYCREATE\] ", b"", "COPY")),
    Fault("COPY to no mailbox is answered OK", "COPY", "6.4.7", "6.4.7-copy/missing-destination", completes("COPY", b"OK done", instead_of=b"NO.*")),
    Fault("COPY of a bad set copies what it can", "COPY", "6.4.7", "6.4.7-copy/refused-leaves-the-destination-as-it-was", also("COPY", rb"COPY 1 \1", asked=rb"\ACOPY \S+,9 (\S+)")),
    Fault("COPY to the selected mailbox is not told", "COPY", "6.4.7 5.2", "6.4.7-copy/onto-the-same-mailbox-announced", omits(rb"\A\* \d+ EXISTS", "COPY|NOOP"), hangs=True),
    Fault("UID COPY copies the first only", "COPY", "6.4.8 6.4.7", "6.4.8-uid/copy-with-star", becomes("UID COPY", rb"\AUID COPY (\d+)[,:]\S+", rb"UID COPY \1")),
    Fault("COPY drops the date", "COPY", "6.4.7", "6.4.7-copy/every-copy-keeps-its-own-flags", says(rb'INTERNALDATE "[^"]*"', b'INTERNALDATE "24-Nov-2026 20:00:00 +0000"', "(UID )?FETCH", when=lambda c: any(d.name == "COPY" for d in c.done) and sum(d.name == "SELECT" for d in c.done) > 1)),

    # --- several sessions ----------------------------------------------------------------------------------------------
    Fault("new messages of others are not told", "sessions", "5.2 6.3.11", "5.2-size-updates/message-of-another-session", omits(rb"\A\* \d+ EXISTS", "NOOP"), hangs=True),
    Fault("expunges of others are not told", "sessions", "7 7.4.1", "7-server-responses/expunges-of-others", omits(rb"\A\* \d+ EXPUNGE", "NOOP"), hangs=True),
    Fault("flags of others are not told", "sessions", "7 5.2", "7-server-responses/flags-of-others", omits(rb"\A\* \d+ FETCH", "NOOP"), hangs=True),
    Fault("RECENT is not told with new messages", "sessions", "7 7.3.2", "7-server-responses/recent-with-a-new-message", omits(rb"\A\* \d+ RECENT", "NOOP"), hangs=True),
    Fault("EXISTS tells how many are new", "sessions", "7.3.1 5.2", "7.3.1-exists/total-not-increase", says(rb"\A\* \d+ EXISTS", b"* 1 EXISTS", "NOOP")),
    Fault("expunges are told during FETCH", "sessions", "7.4.1", "7.4.1-expunge/not-during-fetch", also("FETCH", b"NOOP", first=True, tells=True)),
    Fault("expunges are told during STORE", "sessions", "7.4.1", "7.4.1-expunge/not-during-store", also("STORE", b"NOOP", first=True, tells=True)),
    Fault("expunges are told during SEARCH", "sessions", "7.4.1", "7.4.1-expunge/not-during-search", also("SEARCH", b"NOOP", first=True, tells=True)),
    Fault("an expunge is told while no command is in progress", "sessions", "7.4.1 5.3", "6.4.3-expunge/deleted-messages-are-removed-and-reported", postpones(rb"EXPUNGE\r\n", "EXPUNGE")),
    Fault("the selected mailbox is that of all sessions", "sessions", "6.3.1", "6.3.1-select/one-mailbox-for-each-connection", _OneForAll()),
    Fault("a flag set by another session is not there", "sessions", "2.3.2", "2.3.2-flags/permanent-flag-in-concurrent-session", says(rb"FLAGS \([^)]*\)", b"FLAGS ()", "FETCH", when=later)),
    Fault("subscriptions are those of the session", "sessions", "6.3.6", "6.3.6-subscribe/seen-by-another-session", omits(rb"\A\* LSUB", "LSUB", when=later)),
    Fault("STATUS is what it was", "sessions", "6.3.10", "6.3.10-status/follows-other-sessions", _StaleStatus()),
    Fault("what another session has expunged is still there", "sessions", "7.4.1 6.4.3 7", "7-server-responses/expunges-of-others", omits_first(rb"\A\* \d+ EXPUNGE", "NOOP"), hangs=True),
    Fault("new mailboxes are listed for their session only", "sessions", "6.3.8 6.3.3", "6.3.3-create/listed-for-every-session", omits(rb"\A\* LIST", "LIST", when=later)),
    Fault("an expunge of another session is told twice", "sessions", "7.4.1 7", "7-server-responses/expunges-of-others", repeats(rb"EXPUNGE", "NOOP")),
    Fault("an expunge of another session under the next number", "sessions", "7.4.1 7 2.3.1.2", "7-server-responses/expunges-of-others", says(rb"\A\* (\d+) EXPUNGE", plus(1), "NOOP")),
    Fault("flags of others under the next number", "sessions", "7 7.4.2 5.2 2.3.1.2", "7-server-responses/flags-of-others", says(rb"\A\* (\d+) FETCH", plus(1), "NOOP")),
    Fault("flags of others are told without the new flag", "sessions", "7 5.2", "7-server-responses/flags-of-others", says(rb"FLAGS \([^)]*\)", b"FLAGS ()", "NOOP")),
    Fault("copies of another session are not told", "sessions", "5.2", "5.2-size-updates/copied-by-another-session", omits(rb"EXISTS", "NOOP"), hangs=True),

    # --- TLS -----------------------------------------------------------------------------------------------------------
    Fault("STARTTLS is answered OK and no TLS follows", "TLS", "6.2.1", "6.2.1-starttls/starttls", answers("STARTTLS", "OK begin"), hangs=True),
    Fault("STARTTLS is answered NO", "TLS", "6.2.1", "6.2.1-starttls/behind-another-command", answers("STARTTLS", "NO not today")),
    Fault("something in clear behind the OK to STARTTLS", "TLS", "6.2.1", "6.2.1-starttls/starttls", adds(rb"\A[^ *+]+ OK", b"* OK hello", of="STARTTLS", behind=True)),
    Fault("what came in clear is executed inside TLS", "TLS", "6.2.1", "6.2.1-starttls/discards-plaintext", _KeepsPlainText()),
    Fault("half a command in clear is completed inside TLS", "TLS", "6.2.1", "6.2.1-starttls/discards-half-a-command", _KeepsPlainText()),
    Fault("STARTTLS inside TLS is answered OK", "TLS", "6.2.1", "6.2.1-starttls/twice", answers("STARTTLS", "OK again", when=_encrypted)),
    Fault("CAPABILITY is refused inside TLS", "TLS", "6.1.1 6.2.1", "6.2.1-starttls/behind-another-command", answers("CAPABILITY", "BAD what", when=_encrypted)),
    Fault("STARTTLS logs in", "TLS", "6.2.1", "6.2.1-starttls/starttls", answers("LIST", "OK done", b'* LIST () "/" INBOX', when=not_logged_in)),
    Fault("LOGIN is refused inside TLS", "TLS", "6.2.3", "6.2.1-starttls/login-inside-tls", answers("LOGIN", "NO disabled", when=_encrypted)),
    Fault("LOGOUT inside TLS does not close", "TLS", "6.1.3", "6.2.1-starttls/logout-inside-tls", Stays(), hangs=True),
]
# fmt: on
