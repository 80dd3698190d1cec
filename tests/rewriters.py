"""Small parts of which rewriters for the proxy are made. Must not import the package, as the proxy must not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from between import HANG_UP, Back, Command, Hidden, Out, Reply, Rewriter

if TYPE_CHECKING:
    from between import Connection

Change = Callable[["re.Match[bytes]"], bytes]
Condition = Callable[["Connection"], bool]

_FLAGS = re.IGNORECASE | re.DOTALL


def always(_: Connection) -> bool:
    """Whatever came before."""
    return True


class Commands(Rewriter):
    """What becomes of the commands with certain names. `names`: a pattern, of upper-case names with UID in front."""

    def __init__(
        self, names: str, change: Callable[[Command], Iterable[Out]], when: Condition = always
    ) -> None:
        self._names = re.compile(names)
        self._change = change
        self._when = when

    def takes(self, command: Command) -> bool:
        return bool(self._names.fullmatch(command.name)) and self._when(command.connection)

    def command(self, command: Command) -> Iterable[Out]:
        return self._change(command)


class Replies(Rewriter):
    """What becomes of the replies while commands with certain names are in progress, or nothing is ("")."""

    def __init__(
        self,
        change: Callable[[Reply], Iterable[Out]],
        of: str = ".*",
        when: Condition = always,
    ) -> None:
        self._of = re.compile(of)
        self._change = change
        self._when = when

    def reply(self, reply: Reply) -> Iterable[Out]:
        name = reply.command.name if reply.command else ""
        meant = self._of.fullmatch(name) and self._when(reply.connection)
        return self._change(reply) if meant else [reply.octets]


class Both(Rewriter):
    """Several rewriters: of commands the first that takes it, of replies one behind the other."""

    def __init__(self, *parts: Rewriter) -> None:
        self._parts = parts

    def takes(self, command: Command) -> bool:
        return any(part.takes(command) for part in self._parts)

    def command(self, command: Command) -> Iterable[Out]:
        return next(part for part in self._parts if part.takes(command)).command(command)

    def reply(self, reply: Reply) -> Iterable[Out]:
        outs: list[Out] = [reply.octets]
        for part in self._parts:
            nexts: list[Out] = []
            for out in outs:
                if isinstance(out, bytes):
                    again = Reply(out, reply.connection, reply.command, reply.completes)
                    nexts += part.reply(again)
                else:
                    nexts.append(out)
            outs = nexts
        return outs

    def secured(self, connection: Connection) -> Iterable[bytes]:
        return [octets for part in self._parts for octets in part.secured(connection)]

    def closes(self, connection: Connection) -> bool:
        return all(part.closes(connection) for part in self._parts)


# --- replies ---------------------------------------------------------------------------------------------------------


def says(pattern: bytes, new: bytes | Change, of: str = ".*", *, when: Condition = always) -> Rewriter:
    """Other words wherever the pattern matches in a reply."""
    expression = re.compile(pattern, _FLAGS)
    return Replies(lambda reply: [expression.sub(new, reply.octets)], of, when)


def omits(pattern: bytes, of: str = ".*", *, when: Condition = always) -> Rewriter:
    """Without the replies in which the pattern matches."""
    expression = re.compile(pattern, _FLAGS)
    return Replies(lambda r: [] if expression.search(r.octets) else [r.octets], of, when)


def omits_first(pattern: bytes, of: str = ".*") -> Rewriter:
    """Without the first such reply to each command."""
    return _once(pattern, lambda _: [], of)


def first_says(pattern: bytes, new: bytes | Change, of: str = ".*") -> Rewriter:
    """Other words in the first such reply to each command."""
    expression = re.compile(pattern, _FLAGS)
    return _once(pattern, lambda reply: [expression.sub(new, reply.octets)], of)


def _once(pattern: bytes, change: Callable[[Reply], Iterable[Out]], of: str) -> Rewriter:
    expression = re.compile(pattern, _FLAGS)

    def changed(reply: Reply) -> Iterable[Out]:
        done = reply.connection.memory.setdefault("once", [])
        if reply.command in done or not expression.search(reply.octets):
            return [reply.octets]
        done.append(reply.command)
        return change(reply)

    return Replies(changed, of)


def repeats(pattern: bytes, of: str = ".*") -> Rewriter:
    """Such replies twice."""
    expression = re.compile(pattern, _FLAGS)
    return Replies(lambda r: [r.octets] * (2 if expression.search(r.octets) else 1), of)


def adds(
    pattern: bytes, *lines: bytes, of: str = ".*", behind: bool = False, when: Condition = always
) -> Rewriter:
    """More lines before such a reply, or behind it; groups of the pattern may stand in them."""
    expression = re.compile(pattern, _FLAGS)

    def change(reply: Reply) -> Iterable[Out]:
        found = expression.search(reply.octets)
        if not found:
            return [reply.octets]
        more = [found.expand(line) + b"\r\n" for line in lines]
        return [reply.octets, *more] if behind else [*more, reply.octets]

    return Replies(change, of, when)


def postpones(pattern: bytes, of: str = ".*") -> Rewriter:
    """Such replies behind the completion instead of before it."""
    expression = re.compile(pattern, _FLAGS)

    def change(reply: Reply) -> Iterable[Out]:
        held: list[bytes] = reply.connection.memory.setdefault("held", [])
        if not reply.completes and expression.search(reply.octets):
            held.append(reply.octets)
            return []
        if not reply.completes:
            return [reply.octets]
        octets = b"".join([reply.octets, *held])
        held.clear()
        return [octets]

    return Replies(change, of)


def completes(of: str, how: bytes, *, instead_of: bytes = b".*", when: Condition = always) -> Rewriter:
    """Another completion, where it was this one: status and text."""
    return says(rb"\A([^ *+]+) (?:%s)\r\n\Z" % instead_of, rb"\g<1> " + how + rb"\r\n", of, when=when)


def hangs_up(of: str, pattern: bytes = b"") -> Rewriter:
    """Closes the connection in place of such a reply."""
    expression = re.compile(pattern, _FLAGS)
    return Replies(lambda r: [HANG_UP] if expression.search(r.octets) else [r.octets], of)


class Stays(Rewriter):
    """Does not close the connection."""

    def closes(self, connection: Connection) -> bool:  # noqa: ARG002
        return False


# --- commands --------------------------------------------------------------------------------------------------------


def becomes(names: str, pattern: bytes, new: bytes | Change, *, when: Condition = always) -> Rewriter:
    """Another command to the server: other words wherever the pattern matches in name and arguments."""
    expression = re.compile(pattern, _FLAGS)
    return Commands(names, lambda c: [c.saying(expression.sub(new, c.words))], when)


def answers(names: str, how: str, *lines: bytes, asked: bytes = b"", when: Condition = always) -> Rewriter:
    """The server never hears of a command with such words; it is answered with lines (groups may stand in them) and a completion."""
    expression = re.compile(asked, _FLAGS)

    def change(command: Command) -> Iterable[Out]:
        found = expression.search(command.words)
        if not found:
            return [command.octets]
        told = b"".join(found.expand(line) + b"\r\n" for line in lines)
        return [Back(told), command.completed(how)] if told else [command.completed(how)]

    return Commands(names, change, when)


def also(
    names: str,
    *more: bytes,
    asked: bytes = b"",
    first: bool = False,
    tells: bool = False,
    when: Condition = always,
) -> Rewriter:
    """Commands that nobody sent, behind such a command or before it; groups of the pattern may stand in them."""
    expression = re.compile(asked, _FLAGS)

    def change(command: Command) -> Iterable[Out]:
        found = expression.search(command.words)
        if not found:
            return [command.octets]
        hidden = [Hidden(found.expand(words), tells) for words in more]
        return [*hidden, command.octets] if first else [command.octets, *hidden]

    return Commands(names, change, when)


# --- what came before ------------------------------------------------------------------------------------------------


def logged_in(connection: Connection) -> bool:
    return any(command.name in ("LOGIN", "AUTHENTICATE") for command in connection.done)


def not_logged_in(connection: Connection) -> bool:
    return not logged_in(connection)


def opened(connection: Connection) -> Command | None:
    """The command that opened the mailbox which is selected, as far as completions with OK tell."""
    for command in reversed(connection.done):
        if command.name in ("SELECT", "EXAMINE"):
            return command
        if command.name in ("CLOSE", "UNSELECT"):
            return None
    return None


def selected(connection: Connection) -> bool:
    return opened(connection) is not None


def examined(connection: Connection) -> bool:
    command = opened(connection)
    return command is not None and command.name == "EXAMINE"


def not_selected(connection: Connection) -> bool:
    return logged_in(connection) and not selected(connection)


def later(connection: Connection) -> bool:
    """Not the first connection of the play."""
    return connection.number > 1


def plus(amount: int) -> Change:
    """The number that the last group matched, and so much more."""

    def change(found: re.Match[bytes]) -> bytes:
        number = found[found.re.groups]
        start = found.start(found.re.groups) - found.start()
        return found[0][:start] + b"%d" % max(0, int(number) + amount) + found[0][start + len(number) :]

    return change
