"""The commands of the miniature server (`miniature`): what each does and tells.

A handler takes the connection and the arguments (strings as octets, parenthesised lists as lists), tells what is untagged, and returns
the completion, None for a plain OK. Must not import the package.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import miniature_store as mailstore

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniature import Connection


class RefusedError(Exception):
    """The command is answered with this completion."""


def perform(c: Connection, name: str, octets: bytes) -> str:
    """Carry out a command, given what stands behind its name; returns the completion. Raises `RefusedError`."""
    handler, states, shape = COMMANDS.get(name, (None, "", ""))
    if handler is None or c.state not in states:
        raise RefusedError("BAD not here")
    given = arguments(octets)
    if not re.fullmatch(shape, "".join("l" if isinstance(word, list) else "w" for word in given)):
        raise RefusedError("BAD these are not its arguments")
    return handler(c, *given) or "OK done"


_TOKEN = re.compile(
    rb' |(?P<list>\()|(?P<end>\))|"(?P<quoted>(?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"|\{(?P<count>[0-9]+)\+?\}\r\n'
    rb"|(?P<atom>[!#$%&'*-z|}~]+)"
)


def arguments(octets: bytes) -> list[Any]:
    """The arguments of a command."""
    levels: list[list[Any]] = [[]]
    at = 0
    while at < len(octets):
        token = _TOKEN.match(octets, at)
        if token is None or (token["end"] and len(levels) == 1):
            raise RefusedError("BAD cannot be read")
        at = token.end()
        if token["list"]:
            levels.append([])
        elif token["end"]:
            last = levels.pop()
            levels[-1].append(last)
        elif token["count"]:
            levels[-1].append(octets[at : at + int(token["count"])])
            at += int(token["count"])
        elif token["quoted"] is not None:
            levels[-1].append(re.sub(rb"\\(.)", rb"\1", token["quoted"]))
        elif token["atom"]:
            levels[-1].append(token["atom"])
    if len(levels) > 1:
        raise RefusedError("BAD a list is not closed")
    return levels[0]


def quoted(text: bytes) -> str:
    """A string of a reply."""
    return '"' + text.decode("latin-1").replace("\\", "\\\\").replace('"', '\\"') + '"'


def words(value: Any) -> list[str]:
    """A list of atoms, or a single one, as text."""
    return [word.decode("latin-1") for word in (value if isinstance(value, list) else [value])]


def opened(c: Connection) -> mailstore.Opened:
    """The selected mailbox."""
    assert c.box is not None
    return c.box


def mailboxes(c: Connection) -> mailstore.User:
    """The mailboxes of who logged in."""
    assert c.user is not None
    return c.user


def found(c: Connection, name: bytes, code: str = "") -> mailstore.Mailbox:
    """A mailbox that exists."""
    box = mailboxes(c).boxes.get(mailstore.canonical(name))
    if box is None:
        raise RefusedError(f"NO {code}there is no such mailbox")
    return box


def capability(c: Connection) -> None:
    offered = "STARTTLS " if c.server.tls and not c.encrypted else ""
    c.tell(f"CAPABILITY IMAP4rev1 {offered}LITERAL+ AUTH=PLAIN")


def noop(_: Connection) -> None:
    """News are told with every command."""


def logout(c: Connection) -> None:
    c.tell("BYE until next time")
    c.box = None


def starttls(c: Connection) -> None:
    if c.server.tls is None or c.encrypted:
        raise RefusedError("BAD no TLS here")


def login(c: Connection, user: bytes, password: bytes) -> None:
    known = c.server.users.get(user.decode("latin-1"))
    if known is None or known.password != password.decode("latin-1"):
        raise RefusedError("NO who are you")
    c.user = known


def authenticate(c: Connection, mechanism: bytes, response: bytes = b"") -> None:
    if mechanism.upper() != b"PLAIN":
        raise RefusedError("NO no such mechanism")
    try:
        acting_as, user, password = base64.b64decode(response, validate=True).split(b"\0")
    except ValueError:
        raise RefusedError("BAD cannot be read") from None
    if acting_as not in (b"", user):
        raise RefusedError("NO you are somebody else")
    login(c, user, password)


def select(c: Connection, name: bytes) -> str:
    c.box = None
    c.box = mailstore.Opened(found(c, name), read_only=False)
    return described(c, "READ-WRITE")


def examine(c: Connection, name: bytes) -> str:
    c.box = None
    c.box = mailstore.Opened(found(c, name), read_only=True)
    return described(c, "READ-ONLY")


def described(c: Connection, access: str) -> str:
    box = opened(c)
    flags = " ".join(mailstore.SYSTEM_FLAGS)
    c.tell(f"FLAGS ({flags})")
    box.news()
    c.tell(f"{len(box.messages)} EXISTS")
    c.tell(f"{box.recent_count} RECENT")
    c.tell(f"OK [PERMANENTFLAGS ({flags if access == 'READ-WRITE' else ''})] kept")
    c.tell(f"OK [UIDNEXT {box.mailbox.uidnext}] the next")
    c.tell(f"OK [UIDVALIDITY {box.mailbox.uidvalidity}] for ever")
    return f"OK [{access}] done"


def create(c: Connection, name: bytes) -> None:
    if not mailboxes(c).create(name):
        raise RefusedError("NO it exists")


def delete(c: Connection, name: bytes) -> None:
    found(c, name)
    if not mailboxes(c).delete(name):
        raise RefusedError("NO it has inferiors, or is INBOX")


def subscribe(c: Connection, name: bytes) -> None:
    mailboxes(c).subscribed.add(mailstore.canonical(name))


def unsubscribe(c: Connection, name: bytes) -> None:
    mailboxes(c).subscribed.discard(mailstore.canonical(name))


def list_(c: Connection, reference: bytes, pattern: bytes) -> None:
    if pattern == b"":
        c.tell('LIST (\\Noselect) "/" ""')
    for name in mailstore.matching(mailboxes(c).boxes, reference + pattern):
        c.tell(f'LIST () "/" {quoted(name)}')


def lsub(c: Connection, reference: bytes, pattern: bytes) -> None:
    for name in mailstore.matching(mailboxes(c).subscribed, reference + pattern):
        c.tell(f'LSUB () "/" {quoted(name)}')


def status(c: Connection, name: bytes, items: list[bytes]) -> None:
    known = found(c, name).status()
    names = [item.upper() for item in words(items)]
    if not set(names) <= known.keys():
        raise RefusedError("BAD no such item")
    c.tell(f"STATUS {quoted(name)} ({' '.join(f'{item} {known[item]}' for item in names)})")


def append(c: Connection, name: bytes, *rest: Any) -> None:
    *options, octets = rest
    flags = [words(option) for option in options if isinstance(option, list)]
    date = [option.decode() for option in options if isinstance(option, bytes)]
    box = found(c, name, "[TRYCREATE] ")
    box.add(octets, flags[0] if flags else [], *date)


def close(c: Connection) -> None:
    opened(c).mailbox.expunge(opened(c))
    c.box = None


def expunge(c: Connection) -> None:
    """The numbers are told with the news."""
    if opened(c).read_only:
        raise RefusedError("NO opened to read only")
    opened(c).mailbox.expunge(opened(c))


def search(c: Connection, *keys: Any, uid: bool = False) -> None:
    if [key.upper() for key in keys] != [b"ALL"]:
        raise RefusedError("NO only ALL")
    found = (message.uid if uid else number for number, message in opened(c).numbered())
    c.tell(" ".join(("SEARCH", *map(str, found))))


def fetch(c: Connection, numbers: bytes, items: Any, *, uid: bool = False) -> None:
    names = [name.upper() for name in words(items)]
    if uid and "UID" not in names:
        names.insert(0, "UID")
    if not set(names) <= ITEMS.keys():
        raise RefusedError("NO no such item")
    for number, message in chosen(c, numbers, uid=uid):
        seen = [] if opened(c).read_only or "BODY[]" not in names or "\\Seen" in message.flags else ["FLAGS"]
        if seen:
            message.flags.add("\\Seen")
        told = dict.fromkeys([*names, *seen])
        values = " ".join(f"{name.replace('.PEEK', '')} {ITEMS[name](opened(c), message)}" for name in told)
        c.tell(f"{number} FETCH ({values})")


def body(_: mailstore.Opened, message: mailstore.Message) -> str:
    return f"{{{len(message.octets)}}}\r\n{message.octets.decode('latin-1')}"


ITEMS: dict[str, Callable[[mailstore.Opened, mailstore.Message], str]] = {
    "FLAGS": lambda opened, message: opened.flags(message),
    "UID": lambda _, message: str(message.uid),
    "RFC822.SIZE": lambda _, message: str(len(message.octets)),
    "INTERNALDATE": lambda _, message: f'"{message.date}"',
    "BODY[]": body,
    "BODY.PEEK[]": body,
}


def store(c: Connection, numbers: bytes, what: bytes, *flags: Any, uid: bool = False) -> None:
    how = re.fullmatch(r"([+-]?)FLAGS(\.SILENT)?", what.decode("latin-1").upper())
    if how is None or opened(c).read_only:
        raise RefusedError("NO cannot be changed")
    given = {word for each in flags for word in words(each)}
    for number, message in chosen(c, numbers, uid=uid):
        old = message.flags
        message.flags = {"+": old | given, "-": old - given, "": given}[how[1]]
        now = opened(c).flags(message)
        if not how[2]:
            c.tell(f"{number} FETCH ({f'UID {message.uid} ' if uid else ''}FLAGS {now})")


def copy(c: Connection, numbers: bytes, name: bytes, *, uid: bool = False) -> None:
    box = found(c, name, "[TRYCREATE] ")
    for _, message in chosen(c, numbers, uid=uid):
        box.add(message.octets, [*message.flags], message.date)


def chosen(c: Connection, numbers: bytes, *, uid: bool) -> list[tuple[int, mailstore.Message]]:
    """The messages of a sequence set; what is not there is an error only for message numbers."""
    known = {message.uid if uid else number: (number, message) for number, message in opened(c).numbered()}
    last = max(known, default=0)
    wanted: set[int] = set()
    for part in numbers.split(b","):
        ends = [last if end == b"*" else int(end) if end.isdigit() else 0 for end in part.split(b":")]
        if not uid and not set(ends) <= known.keys():
            raise RefusedError("BAD no such message")
        wanted.update(range(min(ends), max(ends) + 1))
    return [known[number] for number in sorted(wanted & known.keys())]


def by_uid(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The UID form of a command."""
    return lambda c, *given: handler(c, *given, uid=True)


#: name -> handler, states where it is legal, shape of its arguments (w: a string, l: a list).
COMMANDS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "CAPABILITY": (capability, "nas", ""),
    "NOOP": (noop, "nas", ""),
    "LOGOUT": (logout, "nas", ""),
    "STARTTLS": (starttls, "n", ""),
    "LOGIN": (login, "n", "ww"),
    "AUTHENTICATE": (authenticate, "n", "ww?"),
    "SELECT": (select, "as", "w"),
    "EXAMINE": (examine, "as", "w"),
    "CREATE": (create, "as", "w"),
    "DELETE": (delete, "as", "w"),
    "SUBSCRIBE": (subscribe, "as", "w"),
    "UNSUBSCRIBE": (unsubscribe, "as", "w"),
    "LIST": (list_, "as", "ww"),
    "LSUB": (lsub, "as", "ww"),
    "STATUS": (status, "as", "wl"),
    "APPEND": (append, "as", "wl?w{1,2}"),
    "CHECK": (noop, "s", ""),
    "CLOSE": (close, "s", ""),
    "EXPUNGE": (expunge, "s", ""),
    "SEARCH": (search, "s", "w+"),
    "FETCH": (fetch, "s", "w[wl]"),
    "STORE": (store, "s", "ww[wl]+"),
    "COPY": (copy, "s", "ww"),
    "UID SEARCH": (by_uid(search), "s", "w+"),
    "UID FETCH": (by_uid(fetch), "s", "w[wl]"),
    "UID STORE": (by_uid(store), "s", "ww[wl]+"),
    "UID COPY": (by_uid(copy), "s", "ww"),
}
