"""What a client must believe of one connection: state, capabilities, commands in progress, the selected mailbox.

The table `COMMANDS` is RFC 3501 section 3 and 6 as data: which state allows a command and where it leads. The model, the fuzzer's
preconditions and the documentation all read it.

Knows: commands that were sent, responses in the order they came. Must not know: sockets, clocks, what a scenario expects, or
whether a response was right: the checks ask that, before the view takes the response in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from conformance import asked
from conformance.memory import Memory, Message, static
from conformance.response import Atom, List, Number, String, fetch_items
from conformance.uids import UIDs

if TYPE_CHECKING:
    from conformance.response import Code, Response, Value


class State(Enum):
    """RFC 3501 section 3, and the moment before the greeting."""

    CONNECTED = "before the greeting"
    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


_ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})
_LOGGED_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
_NOT_YET = frozenset({State.NOT_AUTHENTICATED})
_SELECTED = frozenset({State.SELECTED})


@dataclass(frozen=True)
class Rule:
    """Where a command is legal and where it leads. `ok` and `no` are the states after that completion, None: unchanged.

    BAD never changes the state (RFC 3501 section 6: the command was not understood).
    """

    section: str
    states: frozenset[State]
    ok: State | None = None
    no: State | None = None
    needs: tuple[str, ...] = ()  #: untagged responses that are REQUIRED before the tagged OK


COMMANDS: dict[str, Rule] = {
    "CAPABILITY": Rule("6.1.1", _ANY, needs=("CAPABILITY",)),
    "NOOP": Rule("6.1.2", _ANY),
    "LOGOUT": Rule("6.1.3", _ANY, ok=State.LOGOUT, needs=("BYE",)),
    "STARTTLS": Rule("6.2.1", _NOT_YET),
    "AUTHENTICATE": Rule("6.2.2", _NOT_YET, ok=State.AUTHENTICATED),
    "LOGIN": Rule("6.2.3", _NOT_YET, ok=State.AUTHENTICATED),
    "SELECT": Rule(
        "6.3.1", _LOGGED_IN, ok=State.SELECTED, no=State.AUTHENTICATED, needs=("FLAGS", "EXISTS", "RECENT")
    ),
    "EXAMINE": Rule(
        "6.3.2", _LOGGED_IN, ok=State.SELECTED, no=State.AUTHENTICATED, needs=("FLAGS", "EXISTS", "RECENT")
    ),
    "CREATE": Rule("6.3.3", _LOGGED_IN),
    "DELETE": Rule("6.3.4", _LOGGED_IN),
    "RENAME": Rule("6.3.5", _LOGGED_IN),
    "SUBSCRIBE": Rule("6.3.6", _LOGGED_IN),
    "UNSUBSCRIBE": Rule("6.3.7", _LOGGED_IN),
    "LIST": Rule("6.3.8", _LOGGED_IN),
    "LSUB": Rule("6.3.9", _LOGGED_IN),
    "STATUS": Rule("6.3.10", _LOGGED_IN, needs=("STATUS",)),
    "APPEND": Rule("6.3.11", _LOGGED_IN),
    "CHECK": Rule("6.4.1", _SELECTED),
    "CLOSE": Rule("6.4.2", _SELECTED, ok=State.AUTHENTICATED),
    "EXPUNGE": Rule("6.4.3", _SELECTED),
    "SEARCH": Rule("6.4.4", _SELECTED, needs=("SEARCH",)),
    "FETCH": Rule("6.4.5", _SELECTED),
    "STORE": Rule("6.4.6", _SELECTED),
    "COPY": Rule("6.4.7", _SELECTED),
    "UID COPY": Rule("6.4.8", _SELECTED),
    "UID FETCH": Rule("6.4.8", _SELECTED),
    "UID STORE": Rule("6.4.8", _SELECTED),
    "UID SEARCH": Rule("6.4.8", _SELECTED, needs=("SEARCH",)),
}

#: Completed tags that are remembered: a connection may last for days.
_TAGS = 100_000
_NEEDED = frozenset(name for rule in COMMANDS.values() for name in rule.needs)

#: Commands that open a mailbox: what arrives while one is in progress may belong to the old or the new mailbox.
OPENING = frozenset({"SELECT", "EXAMINE"})

#: Commands that are answered by FETCH with what they ask for.
FETCHING = frozenset({"FETCH", "UID FETCH"})

#: Octets of a command that are kept while it is in progress.
_KEPT = 10_000

#: Commands that authenticate.
LOGIN = frozenset({"LOGIN", "AUTHENTICATE"})

#: Commands whose argument the server asks for with a continuation request of its own.
CONVERSATIONS = frozenset({"AUTHENTICATE", "IDLE"})


@dataclass
class Command:
    """A command in progress. `name` is upper case, "UID FETCH" for the UID forms; "" if it could not be made out."""

    tag: str
    name: str
    seen: set[str] = field(default_factory=set)  #: data that some command needs, come since it was sent
    octets: bytes = b""  #: what was sent behind the tag, as far as it was kept
    moment: int = 0  #: what had been remembered when it was sent, see `Memory`
    fetch: asked.Fetch | None = None  #: what it asks for, if it is a FETCH that stands alone

    @property
    def rule(self) -> Rule | None:
        """Its row in the table; None for what RFC 3501 does not define."""
        return COMMANDS.get(self.name)


@dataclass
class Mailbox:
    """The selected mailbox as the responses describe it. Message numbers count from 1; unknown is None or absent."""

    name: bytes | None = None
    read_only: bool = False
    exists: int | None = None
    recent: int | None = None
    uidvalidity: int | None = None
    uidnext: int | None = None
    unseen: int | None = None
    flags: frozenset[str] | None = None
    permanent_flags: frozenset[str] | None = None
    uids: UIDs = field(default_factory=UIDs)
    first: int = 0  #: how many messages are left of those that were there when it was opened
    bound: int | None = None  #: UIDNEXT as it was told then
    dense: bool = False  #: there were as many UIDs as messages, so that the UIDs of these are their numbers

    def expunge(self, number: int) -> None:
        """Take message `number` away: every higher number becomes one less (RFC 3501 section 7.4.1)."""
        if self.exists:
            self.exists -= 1
        self.first -= number <= self.first
        self.dense = False
        self.uids.expunge(number)


def words(value: object) -> frozenset[str]:
    """The atoms of a list, upper case; empty for anything else."""
    if not isinstance(value, List):
        return frozenset()
    return frozenset(item.key for item in value.values if isinstance(item, Atom))


def _number(code: Code) -> int | None:
    match code.items:
        case (Number(value),):
            return value
    return None


@dataclass
class View:
    """What the client believes of its connection.

    `uncertain` is set once octets of unknown meaning were sent (raw steps, fuzzing): checks that rest on knowing which command is
    in progress then keep silent for the rest of the connection.
    """

    state: State = State.CONNECTED
    encrypted: bool = False
    tls_due: bool = False  #: STARTTLS was answered OK, and TLS has not begun
    astray: bool = False  #: we went on in clear where TLS has to begin: what comes is of TLS, or anything
    tls_fresh: bool = False  #: TLS has begun, and nothing has come since
    preauth: bool = False  #: the greeting was PREAUTH
    capabilities: frozenset[str] | None = None  #: upper case; None: not told yet, or void since TLS or login
    capabilities_in: State | None = None  #: the state in which they were told
    extended: bool = False  #: a command of an extension was sent
    pending: dict[str, Command] = field(default_factory=dict)  #: by tag, in the order they were sent
    completed: set[str] = field(default_factory=set)  #: tags that have had their completion
    mailbox: Mailbox | None = None
    opening: Mailbox | None = None  #: what SELECT or EXAMINE in progress has told so far
    awaiting: bool = False  #: a literal waits for the continuation request
    said_bye: bool = False
    last_tags: frozenset[str] | None = (
        None  #: commands in progress when a BYE came that nobody asked for; None: none came
    )
    uncertain: bool = False
    memory: Memory = field(default_factory=Memory)  #: shared with other connections

    @property
    def may_be_opening(self) -> bool:
        """Whether data of a mailbox can belong to one that is just being opened."""
        return any(command.name in OPENING for command in self.pending.values())

    def send(self, tag: str, name: str, octets: bytes = b"") -> None:
        """A command was sent; `octets` is what is behind the tag, where it is known."""
        self.astray = self.astray or self.tls_due
        alone = not self.pending
        for command in self.pending.values():
            command.fetch = None
        octets = octets if len(octets) <= _KEPT else b""
        command = self.pending[tag] = Command(tag, name, octets=octets, moment=self.memory.moment)
        if name in FETCHING and alone and not self.uncertain:
            command.fetch = asked.fetch(octets)
            if command.fetch is not None and self.mailbox is not None:
                command.fetch.exists = self.mailbox.exists or 0
        self.extended = self.extended or name not in COMMANDS
        if name in OPENING:
            self.opening = Mailbox(asked.mailbox(octets), read_only=name == "EXAMINE")

    def take(self, response: Response) -> None:
        """Believe a response. Checks have seen it before."""
        self.tls_fresh = False
        match response.kind:
            case "continuation":
                self.awaiting = False
            case "tagged":
                self._complete(response)
            case "untagged":
                if response.name in _NEEDED:  # a server can make up any number of other names
                    for command in self.pending.values():
                        command.seen.add(response.name)
                self._untagged(response)
        if response.code is not None:
            self._code(response.code)
        if self.state is State.CONNECTED:  # it was no greeting, but it came in place of one
            self.state = State.NOT_AUTHENTICATED

    def _has_completed(self, tag: str) -> None:
        if len(self.completed) >= _TAGS:
            self.completed.clear()
        self.completed.add(tag)

    def _complete(self, response: Response) -> None:
        command = self.pending.pop(response.tag or "", None)
        if command is None:
            return  # nor is the tag remembered: a server could fill the memory with tags that it makes up
        self._has_completed(command.tag)
        if command.name in OPENING:
            opened, self.opening = self.opening, None
            if response.name != "BAD":
                self.mailbox = opened if response.name == "OK" else None
                if self.mailbox is not None:
                    self._opened(self.mailbox)
        if command.name == "STARTTLS" and response.name == "OK":
            self.tls_due = True
        rule = command.rule
        after = {"OK": rule.ok, "NO": rule.no}.get(response.name) if rule else None
        if after is None:
            return
        if after is State.AUTHENTICATED:
            self.mailbox = None
            if self.state is State.NOT_AUTHENTICATED:
                self.capabilities = None  # they may change with the identity
        elif self.state is State.NOT_AUTHENTICATED and after is State.SELECTED:
            return  # a server that opens a mailbox before login: the scenario judges it, the state stays
        self.state = after

    def _untagged(self, response: Response) -> None:
        match response.name:
            case "OK" | "PREAUTH" if self.state is State.CONNECTED:
                preauth = response.name == "PREAUTH"
                self.state = State.AUTHENTICATED if preauth else State.NOT_AUTHENTICATED
                self.preauth = preauth
            case "BYE":
                self.said_bye = True
                if not any(command.name == "LOGOUT" for command in self.pending.values()):
                    self.last_tags = frozenset(self.pending)
                if self.state is State.CONNECTED:
                    self.state = State.LOGOUT
            case "CAPABILITY":
                self._list(response.items)
            case _:
                box = self.opening if self.may_be_opening else self.mailbox
                if box is not None:
                    _mailbox_data(box, response)
                if response.problem is None:
                    self._remember(response)
                for command in self.pending.values():
                    _answer(command, response)

    def _opened(self, box: Mailbox) -> None:
        """What was told when a mailbox was opened is whole."""
        box.first, box.bound = box.exists or 0, box.uidnext
        box.dense = box.bound == box.first + 1
        if box.name is not None and box.uidvalidity and box.uidnext and not self.uncertain:
            self.memory.take_next_uid(box.name, box.uidvalidity, box.uidnext)

    def message(self, response: Response) -> Message | None:
        """The name for ever of the message that a FETCH is about, if it is known."""
        box = self.mailbox
        if box is None or box.name is None or not box.uidvalidity or self.uncertain or self.may_be_opening:
            return None
        told = fetch_items(response).get("UID")
        if isinstance(told, Number):
            uid = told.value
        else:
            number = response.number if isinstance(response.number, int) else 0
            uid = box.uids.get(number) or (number if box.dense and number <= box.first else 0)
        return Message(box.name, box.uidvalidity, uid) if uid else None

    def next_uid(self, response: Response) -> tuple[bytes, int, int] | None:
        """Mailbox, UIDVALIDITY and UIDNEXT that a STATUS tells, if it is not about the mailbox that is selected."""
        name = response.items[0] if response.name == "STATUS" and response.items else None
        told = fetch_items(response)
        validity, value = told.get("UIDVALIDITY"), told.get("UIDNEXT")
        if not isinstance(name, String) or not isinstance(validity, Number) or not isinstance(value, Number):
            return None
        box = asked.canonical(name.octets)
        open_ = self.mailbox is not None and self.mailbox.name in (None, box)
        return None if open_ or self.uncertain or self.may_be_opening else (box, validity.value, value.value)

    def _remember(self, response: Response) -> None:
        if response.name == "STATUS" and (value := self.next_uid(response)):
            self.memory.take_next_uid(*value)
        told = static(response)
        message = self.message(response) if told else None
        if message is not None:
            for item in told:
                self.memory.take(message, *item)

    def _code(self, code: Code) -> None:
        if code.name == "CAPABILITY":
            self._list(code.items)
        box = self.opening or self.mailbox
        if box is None:
            return
        match code.name:
            case "UIDVALIDITY":
                box.uidvalidity = _number(code)
            case "UIDNEXT":
                box.uidnext = _number(code)
            case "UNSEEN":
                box.unseen = _number(code)
            case "PERMANENTFLAGS" if code.items:
                box.permanent_flags = words(code.items[0])
            case "READ-ONLY":
                box.read_only = True
            case "READ-WRITE":
                box.read_only = False

    def _list(self, capabilities: tuple[Value, ...]) -> None:
        self.capabilities = frozenset(value.key for value in capabilities if isinstance(value, Atom))
        self.capabilities_in = self.state

    def over_tls(self) -> None:
        """TLS is on: what was told in clear is void (RFC 3501 section 6.2.1)."""
        self.encrypted = True
        self.tls_due, self.tls_fresh = False, True
        self.capabilities = None


def _mailbox_data(box: Mailbox, response: Response) -> None:
    number = response.number if isinstance(response.number, int) else None
    match response.name:
        case "EXISTS":
            box.exists = number
        case "RECENT":
            box.recent = number
        case "FLAGS" if response.items:
            box.flags = words(response.items[0])
        case "EXPUNGE" if number is not None:
            box.expunge(number)
        case "FETCH" if number is not None:
            items = fetch_items(response)
            if isinstance(uid := items.get("UID"), Number):
                box.uids.put(number, uid.value)


def _answer(command: Command, response: Response) -> None:
    """Note what of a FETCH in progress has come."""
    fetch = command.fetch
    if fetch is None:
        return
    if response.problem is not None or response.name == "EXPUNGE":
        command.fetch = None
    elif response.name == "FETCH" and isinstance(response.number, int):
        fetch.hears(response.number, frozenset(fetch_items(response)))
