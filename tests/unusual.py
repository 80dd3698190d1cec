"""Unusual servers: what RFC 3501 lets a server say in another way, as rewriters for the proxy of `between`.

Each row is a freedom that the RFC gives, with the section that gives it. A verdict that changes under one of them is a bug: of the
rewriting, if the RFC does not allow it there, or of the suite. What they change is chosen by the seed, the number of the connection and
the number of the reply, so that the same run is rewritten in the same way.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from between import Rewriter
from octets import Atom, Data, Many, Section, Status, String, data, is_atom, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from between import Command, Connection, Out, Reply
    from octets import Node

_TAG = re.compile(rb"[!#$&',-\[\]^-z|}~]+\Z")
_OPENING = frozenset({"SELECT", "EXAMINE"})
_LEAVING = frozenset({"CLOSE", "UNSELECT", "LOGOUT"})
#: What a client may wait with, or the server never answers, if it is none of these.
_KNOWN = frozenset(
    [
        "CAPABILITY",
        "NOOP",
        "LOGOUT",
        "STARTTLS",
        "AUTHENTICATE",
        "LOGIN",
        "SELECT",
        "EXAMINE",
        "CREATE",
        "DELETE",
        "RENAME",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "LIST",
        "LSUB",
        "STATUS",
        "APPEND",
        "CHECK",
        "CLOSE",
        "EXPUNGE",
        "SEARCH",
        "FETCH",
        "STORE",
        "COPY",
    ]
) | {"UID COPY", "UID FETCH", "UID STORE", "UID SEARCH"}
#: Between their completions and what follows nothing may be said in clear, or nothing at all.
_LAST = frozenset({"LOGOUT", "STARTTLS"})


def _chance(seed: int, connection: Connection) -> Random:
    return Random(f"{seed}/{connection.number}/{connection.replies}")  # noqa: S311 - always the same


# ---- one reply for itself -----------------------------------------------------------------------------------------------


class Each(Rewriter):
    """Rewrites each reply for itself: data by one function, status responses by another."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def reply(self, reply: Reply) -> Iterable[Out]:
        chance = _chance(self.seed, reply.connection)
        if (told := data(reply.octets)) is not None:
            return [each.octets for each in self.data(told, chance, reply)]
        if (said := status(reply.octets)) is not None:
            return [self.status(said, chance, reply).octets]
        return [reply.octets]

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        return [told]

    def status(self, said: Status, chance: Random, reply: Reply) -> Status:  # noqa: ARG002
        return said


def _shuffled(many: Many, chance: Random) -> Many:
    members = [*many.members]
    chance.shuffle(members)
    return Many(members, many.gaps)


class ItemsOrder(Each):
    """Data items of FETCH or STATUS."""

    def __init__(self, seed: int, name: bytes) -> None:
        super().__init__(seed)
        self.name = name

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        if told.name == self.name:
            pairs = told.pairs()
            chance.shuffle(pairs)
            return [told.with_pairs(pairs)]
        return [told]


def _flag_lists(told: Data) -> Iterator[tuple[list[Node], int, Many]]:
    """The lists of flags and attributes in data, each with its place."""
    if told.name in (b"FLAGS", b"LIST", b"LSUB"):
        many = told.words[2]
        assert isinstance(many, Many)
        yield told.words, 2, many
    elif told.name == b"FETCH":
        items = told.words[3]
        assert isinstance(items, Many)
        for position, (name, value) in enumerate(told.pairs()):
            if name.octets.upper() == b"FLAGS" and isinstance(value, Many):
                yield items.members, 2 * position + 1, value


_PERMANENT = re.compile(rb"(PERMANENTFLAGS )\(([^()]*)\)\Z", re.IGNORECASE)


def _permanent_flags(said: Status, change: Callable[[list[bytes]], Iterable[bytes]]) -> None:
    match = _PERMANENT.match(said.code or b"")
    if match is not None:
        said.code = b"%s(%s)" % (match[1], b" ".join(change(match[2].split())))


def _sampled(chance: Random, words: list[bytes]) -> list[bytes]:
    return chance.sample(words, len(words))


class FlagsOrder(Each):
    """Flags, and attributes of mailbox names."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        for words, position, many in [*_flag_lists(told)]:
            words[position] = _shuffled(many, chance)
        return [told]

    def status(self, said: Status, chance: Random, reply: Reply) -> Status:  # noqa: ARG002
        _permanent_flags(said, functools.partial(_sampled, chance))
        return said


class Capabilities(Each):
    """What is made of a list of capabilities, wherever it stands."""

    def words(self, words: list[bytes], chance: Random) -> list[bytes]:
        raise NotImplementedError

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        if told.name == b"CAPABILITY":
            words = self.words([word.octets for word in told.words[2:]], chance)
            return [Data(told.name, [*told.words[:2], *map(Atom, words)])]
        return [told]

    def status(self, said: Status, chance: Random, reply: Reply) -> Status:  # noqa: ARG002
        if said.code_name == b"CAPABILITY":
            name, *words = (said.code or b"").split()
            said.code = b" ".join([name, *self.words(words, chance)])
        return said


class CapabilitiesOrder(Capabilities):
    def words(self, words: list[bytes], chance: Random) -> list[bytes]:
        first = [word for word in words[:1] if word.upper() == b"IMAP4"]
        return first + _sampled(chance, words[len(first) :])


class UnknownCapabilities(Capabilities):
    """The same ones whenever it is asked."""

    def words(self, words: list[bytes], chance: Random) -> list[bytes]:  # noqa: ARG002
        return [*words[:1], b"XUNUSUAL", *words[1:], b"X-UNUSUAL=1.5/a&b;c", b"x+y"]


class SearchOrder(Each):
    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        if told.name == b"SEARCH":
            told.words[2:] = chance.sample(told.words[2:], len(told.words) - 2)
        return [told]


class SearchInTwo(Each):
    """One of the two may be empty."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        if told.name != b"SEARCH":
            return [told]
        middle = chance.randint(2, len(told.words))
        return [Data(told.name, told.words[:middle]), Data(told.name, told.words[:2] + told.words[middle:])]


class FetchInTwo(Each):
    """What a UID command causes has the UID in both (6.4.8)."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        if told.name != b"FETCH" or len(told.pairs()) < 2:
            return [told]
        pairs = told.pairs()
        chance.shuffle(pairs)
        middle = chance.randint(1, len(pairs) - 1)
        halves = pairs[:middle], pairs[middle:]
        uid = [pair for pair in pairs if pair[0].octets.upper() == b"UID"]
        whole = [half if uid[0] in half else uid + half for half in halves] if uid else [*halves]
        return [told.with_pairs(half) for half in whole]


class Twice(Each):
    """The same data again, at once."""

    def __init__(self, seed: int, *names: bytes) -> None:
        super().__init__(seed)
        self.names = names

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        return [told, told] if told.name in self.names else [told]


def _cased(chance: Random, octets: bytes) -> bytes:
    """Letters in another case."""
    kind = chance.randrange(3)
    if kind == 0:
        return octets.lower()
    if kind == 1:
        return octets.swapcase()
    return b"".join(
        bytes([octet]).lower() if chance.random() < 0.5 else bytes([octet]).upper() for octet in octets
    )


class WordsCase(Each):
    """Names of responses, codes, capabilities and data items, NIL, months. Flags, names of mailboxes and texts stay."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        words = told.words
        place = 2 if words[1].octets.isdigit() else 1
        words[place] = Atom(_cased(chance, words[place].octets))
        if told.name in (b"FETCH", b"STATUS"):
            told = told.with_pairs([self._item(name, value, chance) for name, value in told.pairs()])
        elif told.name in (b"LIST", b"LSUB") and isinstance(words[3], Atom):
            words[3] = Atom(_cased(chance, words[3].octets))
        elif told.name == b"CAPABILITY":
            words[2:] = [Atom(_cased(chance, word.octets)) for word in words[2:]]
        return [told]

    def _item(self, name: Node, value: Node, chance: Random) -> tuple[Node, Node]:
        known = name.octets.upper()
        if isinstance(name, Section):
            name = Section(_cased(chance, name.name), _cased(chance, name.words), name.fields, name.origin)
            for position, field in enumerate(name.fields.members if name.fields else ()):
                if isinstance(field, Atom | String):
                    assert name.fields is not None
                    cased = _cased(chance, field.octets if isinstance(field, Atom) else field.value)
                    name.fields.members[position] = (
                        Atom(cased) if isinstance(field, Atom) else String(cased, field.form)
                    )
        elif isinstance(name, Atom):
            name = Atom(_cased(chance, name.octets))
        if known == b"INTERNALDATE" and isinstance(value, String):
            value = String(_cased(chance, value.value), value.form)
        elif known != b"FLAGS":
            value = _nils_cased(value, chance)
        return name, value

    def status(self, said: Status, chance: Random, reply: Reply) -> Status:  # noqa: ARG002
        said.word = _cased(chance, said.word)
        if said.code_name == b"CAPABILITY":
            said.code = _cased(chance, said.code or b"")
        elif said.code is not None:
            name, space, rest = said.code.partition(b" ")
            said.code = _cased(chance, name) + space + rest
        return said


def _nils_cased(node: Node, chance: Random) -> Node:
    if isinstance(node, Atom):
        return Atom(_cased(chance, node.octets)) if node.octets.upper() == b"NIL" else node
    if isinstance(node, Many):
        return Many([_nils_cased(member, chance) for member in node.members], node.gaps)
    return node


class FlagsCase(Each):
    """Flags, keywords, and attributes of mailbox names."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        for words, position, many in [*_flag_lists(told)]:
            words[position] = Many([Atom(_cased(chance, flag.octets)) for flag in many.members], many.gaps)
        return [told]

    def status(self, said: Status, chance: Random, reply: Reply) -> Status:  # noqa: ARG002
        _permanent_flags(said, lambda flags: [_cased(chance, flag) for flag in flags])
        return said


def _mailbox_place(told: Data) -> int | None:
    return {b"LIST": 4, b"LSUB": 4, b"STATUS": 2}.get(told.name)


def _mailbox(node: Node) -> bytes | None:
    return node.value if isinstance(node, String) else node.octets if isinstance(node, Atom) else None


class InboxCase(Each):
    """INBOX in all forms and cases is INBOX."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        place = _mailbox_place(told)
        if place is not None and (_mailbox(told.words[place]) or b"").upper() == b"INBOX":
            name = _cased(chance, b"INBOX")
            forms: list[Node] = [Atom(name), String(name, "quoted"), String(name, "literal")]
            told.words[place] = chance.choice(forms)
        return [told]


class MimeCase(Each):
    """Types, encodings, dispositions and names of parameters in BODY and BODYSTRUCTURE."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        for name, value in told.pairs() if told.name == b"FETCH" else []:
            if name.octets.upper() in (b"BODY", b"BODYSTRUCTURE") and isinstance(value, Many):
                for string in _mime_words(value):
                    # A structure never changes (2.3.1.1): the same word is always written in the same way.
                    word = Random(f"{self.seed}/{string.value!r}")  # noqa: S311 - always the same
                    string.value = _cased(word, string.value)
        return [told]


def _mime_words(body: Many) -> Iterator[String]:
    members = body.members
    parts = _parts(body)
    for part in parts:
        yield from _mime_words(part)
    places = [len(parts)] if parts else [0, 1, 5]
    yield from (word for word in (members[p] for p in places) if isinstance(word, String))
    kind = b"" if parts else _upper(members[0])
    if parts:
        parameters, disposition = len(parts) + 1, len(parts) + 2
    else:
        more = 1 if kind == b"TEXT" else 3 if _is_message(body) else 0
        parameters, disposition = 2, 8 + more
        if _is_message(body) and isinstance(members[8], Many):
            yield from _mime_words(members[8])
    yield from _parameter_names(members[parameters : parameters + 1])
    for found in members[disposition : disposition + 1]:
        if isinstance(found, Many):
            yield from (word for word in found.members[:1] if isinstance(word, String))
            yield from _parameter_names(found.members[1:2])


def _parameter_names(lists: list[Node]) -> Iterator[String]:
    for found in lists:
        if isinstance(found, Many):
            yield from (word for word in found.members[::2] if isinstance(word, String))


def _parts(body: Many) -> list[Many]:
    """Of a multipart."""
    parts = []
    for member in body.members:
        if not isinstance(member, Many):
            break
        parts.append(member)
    return parts


def _upper(node: Node) -> bytes:
    return node.value.upper() if isinstance(node, String) else b""


def _is_message(body: Many) -> bool:
    return _upper(body.members[0]) == b"MESSAGE" and _upper(body.members[1]) == b"RFC822"


class Forms(Each):
    """Strings in another of their forms. What has only one stays: dates, delimiters, "TEXT", "MESSAGE" "RFC822" (9)."""

    def __init__(self, seed: int, *, text: Callable[[String], Node], name: Callable[[bytes], Node]) -> None:
        super().__init__(seed)
        self.text = text
        self.name = name

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        place = _mailbox_place(told)
        if place is not None and (mailbox := _mailbox(told.words[place])) is not None:
            told.words[place] = self.name(mailbox)
        if told.name == b"FETCH":
            told = told.with_pairs([self._item(name, value) for name, value in told.pairs()])
        return [told]

    def _item(self, name: Node, value: Node) -> tuple[Node, Node]:
        if isinstance(name, Section):
            fields = name.fields and Many(
                [self.name(_mailbox(field) or b"") for field in name.fields.members], name.fields.gaps
            )
            name = Section(name.name, name.words, fields, name.origin)
        known = name.octets.upper()
        if isinstance(value, String) and (isinstance(name, Section) or known.startswith(b"RFC822")):
            return name, self.text(value)
        if known == b"ENVELOPE":
            return name, self._all(value)
        if known in (b"BODY", b"BODYSTRUCTURE") and isinstance(value, Many):
            return name, self._body(value)
        return name, value

    def _all(self, node: Node) -> Node:
        if isinstance(node, String):
            return self.text(node)
        if isinstance(node, Many):
            return Many([self._all(member) for member in node.members], node.gaps)
        return node

    def _body(self, body: Many) -> Many:
        parts = _parts(body)
        members: list[Node] = [self._body(part) for part in parts]
        rest = body.members[len(parts) :]
        if not parts:
            keep = 2 if _is_message(body) else 1 if _upper(rest[0]) in (b"TEXT", b"MESSAGE") else 0
            members, rest = rest[:keep], rest[keep:]
        for member in rest:
            inner = not parts and _is_message(body) and len(members) == 8
            members.append(self._body(member) if inner and isinstance(member, Many) else self._all(member))
        return Many(members, body.gaps)


def _literal_name(name: bytes) -> Node:
    return String(name, "literal")


def _quoted_name(name: bytes) -> Node:
    quoted = String(name, "quoted")
    return quoted if quoted.quotable else _literal_name(name)


def _atom_name(name: bytes) -> Node:
    return Atom(name) if is_atom(name) else _quoted_name(name)


def _literal_text(text: String) -> Node:
    return String(text.value, "literal")


def _quoted_text(text: String) -> Node:
    return String(text.value, "quoted") if text.quotable else text


class LeadingZeros(Each):
    """Numbers that may be 0 have as many digits as they like; the others begin with a digit above 0 (9, nz-number)."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        if told.name in (b"EXISTS", b"RECENT"):
            told.words[1] = Atom(b"00" + told.words[1].octets)
        elif told.name in (b"STATUS", b"FETCH"):
            told = told.with_pairs([(name, self._value(name, value)) for name, value in told.pairs()])
        return [told]

    def _value(self, name: Node, value: Node) -> Node:
        counts = (b"MESSAGES", b"RECENT", b"UNSEEN", b"RFC822.SIZE")
        return Atom(b"0" + value.octets) if name.octets.upper() in counts else value


class OtherZones(Each):
    """The same instant in another zone, where the day stays the same: SEARCH goes by the day that is told."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        if told.name == b"FETCH":
            told = told.with_pairs([(name, _zoned(name, value)) for name, value in told.pairs()])
        return [told]


def _zoned(name: Node, value: Node) -> Node:
    if name.octets.upper() != b"INTERNALDATE" or not isinstance(value, String):
        return value
    form = "%d-%b-%Y %H:%M:%S %z"
    try:
        then = dt.datetime.strptime(value.value.decode("ascii").strip(), form)  # noqa: DTZ007 - the form has a zone
        other = then.astimezone(dt.timezone(dt.timedelta(hours=1, minutes=30)))
    except (ValueError, OverflowError):
        return value
    if then.date() != other.date() or then.year < 1000:
        return value
    return String(f"{other.day:2}{other.strftime(form)[2:]}".encode(), "quoted")


class Marked(Each):
    r"""\Marked where the server does not say whether a mailbox is interesting: that is what it thinks."""

    def data(self, told: Data, chance: Random, reply: Reply) -> list[Data]:  # noqa: ARG002
        root = (_mailbox(told.words[4]) or b"") == b"" if told.name in (b"LIST", b"LSUB") else True
        for words, position, many in [*_flag_lists(told)] if not root else []:
            known = {flag.octets.upper() for flag in many.members}
            if not known & {b"\\NOSELECT", b"\\NONEXISTENT", b"\\MARKED", b"\\UNMARKED"}:
                members = [*many.members, Atom(chance.choice([b"\\Marked", b"\\Unmarked"]))]
                words[position] = Many(members, [b"", *[b" "] * (len(members) - 1)])
        return [told]


class OtherText(Each):
    """Another human text, the same for the same. What a challenge says is no text, and a code stays."""

    def __init__(self, seed: int, *texts: bytes) -> None:
        super().__init__(seed)
        self.texts = texts

    def status(self, said: Status, chance: Random, reply: Reply) -> Status:  # noqa: ARG002
        # What a text tells, by being another one, is a question of its own (11.2).
        said.text = Random(f"{self.seed}/{said.text!r}").choice(self.texts)  # noqa: S311 - always the same
        return said

    def reply(self, reply: Reply) -> Iterable[Out]:
        talking = any(command.name == "AUTHENTICATE" for command in reply.connection.pending)
        if reply.octets.startswith(b"+ ") and not talking:
            return [b"+ " + _chance(self.seed, reply.connection).choice(self.texts) + b"\r\n"]
        return super().reply(reply)


_TEXTS = (
    b"la",
    b"Alles in Ordnung",
    b"OK",
    b"NO",
    b"* 1 EXPUNGE",
    b"a1 OK done",
    b"] [x",
    b'100% ("of" it) \\ {',
    b"\ttab, bell \x07, and delete \x7f",
    b"very long " * 100,
)
_LITERALS = (b"see {3}", b"{5}", b"{0}", b"{999999999}", b"a {3+}", b"~{4}")


class UnknownCodes(Each):
    """A code that nobody knows where there is none: clients ignore it (7.1)."""

    _CODES = (b"XUNUSUAL", b'X-UNUSUAL 1 (2 "3" {4}) [5 \\6', b"X-UNUSUAL  ", b"xUNSEEN 0")

    def status(self, said: Status, chance: Random, reply: Reply) -> Status:  # noqa: ARG002
        if said.code is None:
            said.code = chance.choice(self._CODES)
        return said


# ---- other data ---------------------------------------------------------------------------------------------------------


class Follower(Rewriter):
    """Knows what a connection's mailbox and capabilities are like, as far as the server told it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def reply(self, reply: Reply) -> Iterable[Out]:
        connection = reply.connection
        memory = self.memory(connection)
        self._follow(reply, memory)
        ended = reply.completes and reply.command is not None and reply.command.name in _LAST
        said = status(reply.octets)
        bye = said is not None and said.word.upper() == b"BYE"
        memory["gone"] = memory.get("gone") or bye
        if (
            memory["gone"]
            or ended
            or reply.greeting
            or any(command.name in _LAST for command in connection.pending)
        ):
            return [reply.octets]
        return self.around(reply, _chance(self.seed, connection))

    def around(self, reply: Reply, chance: Random) -> Iterable[Out]:
        raise NotImplementedError

    def memory(self, connection: Connection) -> dict[str, Any]:
        """What this one knows of a connection; another may know the same."""
        memory: dict[str, Any] = connection.memory.setdefault(f"follower {id(self)}", {})
        return memory

    def _follow(self, reply: Reply, memory: dict[str, Any]) -> None:
        opening = any(command.name in _OPENING for command in reply.connection.pending)
        told, said = data(reply.octets), status(reply.octets)
        where = "new" if opening else "mailbox"
        if told is not None and told.name == b"CAPABILITY":
            memory["capability"] = reply.octets
        elif told is not None and (where == "new" or memory.get("mailbox") is not None):
            here = memory[where] = {**(memory.get(where) or {})}
            if told.name == b"EXISTS":
                here["exists"] = told.number
            elif told.name == b"EXPUNGE" and "exists" in here:
                here["exists"] -= 1
            elif told.name == b"FLAGS":
                here["flags"] = reply.octets
        if said is None:
            return
        if reply.completes and reply.command is not None:
            self._completed(reply.command, said, memory)
        if said.code_name == b"CAPABILITY":
            memory["capability"] = b"* " + (said.code or b"") + b"\r\n"

    @staticmethod
    def _completed(command: Command, said: Status, memory: dict[str, Any]) -> None:
        how = said.word.upper()
        if command.name in _OPENING and how != b"BAD":
            memory["mailbox"] = memory.get("new") if how == b"OK" else None
        if command.name in _OPENING:
            memory["new"] = None
        if command.name in _LEAVING and how == b"OK":
            memory["mailbox"] = None
        if command.name in ("STARTTLS", "LOGIN", "AUTHENTICATE") and how == b"OK":
            memory.pop("capability", None)


class Again(Follower):
    """What was told of the mailbox, once more before completions, and sometimes behind."""

    def __init__(self, seed: int, line: Callable[[dict[str, Any]], bytes]) -> None:
        super().__init__(seed)
        self.line = line

    def around(self, reply: Reply, chance: Random) -> Iterable[Out]:
        connection = reply.connection
        mailbox = self.memory(connection).get("mailbox")
        moving = any(command.name in _OPENING | _LEAVING for command in connection.pending)
        if not reply.completes or mailbox is None or moving:
            return [reply.octets]
        extra = self.line(mailbox)
        return [extra, reply.octets, extra] if chance.random() < 0.3 else [extra, reply.octets]


def _exists(mailbox: dict[str, Any]) -> bytes:
    return b"* %d EXISTS\r\n" % mailbox["exists"] if "exists" in mailbox else b""


def _flags(mailbox: dict[str, Any]) -> bytes:
    flags: bytes = mailbox.get("flags", b"")
    return flags


class CapabilityAgain(Follower):
    """The list that is true now, before completions."""

    def around(self, reply: Reply, chance: Random) -> Iterable[Out]:  # noqa: ARG002
        known = self.memory(reply.connection).get("capability")
        told = data(reply.octets)
        commands = [*reply.connection.pending, *([reply.command] if reply.command else [])]
        # 6.1.1: CAPABILITY itself is answered by a single one.
        changing = any(command.name in ("LOGIN", "AUTHENTICATE", "CAPABILITY") for command in commands)
        if known is None or not reply.completes or changing or told is not None:
            return [reply.octets]
        return [known, reply.octets]


class Extra(Follower):
    """A line in front of replies to commands, and sometimes when none is in progress."""

    def __init__(self, seed: int, *lines: bytes) -> None:
        super().__init__(seed)
        self.lines = lines

    def around(self, reply: Reply, chance: Random) -> Iterable[Out]:
        outs = [reply.octets]
        if reply.completes or chance.random() < 0.3:
            outs.insert(0, chance.choice(self.lines))
        if reply.completes and chance.random() < 0.3:
            outs.append(chance.choice(self.lines))
        return outs


class OtherNamespaces(Rewriter):
    """Names of other namespaces, with delimiters of their own, where a pattern of wildcards alone asks for all names."""

    _PATTERN = re.compile(rb'(?:""|\{0\}) "?([*%]+)"?\Z')

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def reply(self, reply: Reply) -> Iterable[Out]:
        command = reply.command
        said = status(reply.octets)
        pattern = (
            self._PATTERN.match(command.arguments) if command is not None and command.name == "LIST" else None
        )
        if not reply.completes or pattern is None or said is None or said.word.upper() != b"OK":
            return [reply.octets]
        names = [b'* LIST (\\Noselect) "." "#unusual"\r\n', b"* LIST (\\Noselect \\Noinferiors) NIL #flat\r\n",
                 b'* LIST (\\Noselect) "\\\\" "Other Users"\r\n']  # fmt: skip
        if b"*" in pattern[1]:
            names += [
                b'* LIST (\\Noselect) "." #unusual.news\r\n',
                b'* LIST (\\Noselect) "\\\\" "Other Users\\\\eve"\r\n',
            ]
        _chance(self.seed, reply.connection).shuffle(names)
        return [*names, reply.octets]


# ---- several replies ----------------------------------------------------------------------------------------------------


class Held(Rewriter):
    """Keeps what is said during commands until one completes, and the octets in one piece."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def reply(self, reply: Reply) -> Iterable[Out]:
        held: list[bytes] = reply.connection.memory.setdefault(f"held {id(self)}", [])
        held.append(reply.octets)
        if self._waits(reply):
            return []
        whole, held[:] = [*held], []
        return self.order(whole, _chance(self.seed, reply.connection))

    def order(self, whole: list[bytes], chance: Random) -> list[bytes]:  # noqa: ARG002
        return whole

    def _waits(self, reply: Reply) -> bool:
        pending = reply.connection.pending
        untagged = reply.octets.startswith(b"* ") and not reply.octets[2:6].upper().startswith(b"BYE ")
        return untagged and bool(pending) and all(map(self._answered, pending))

    @staticmethod
    def _answered(command: Command) -> bool:
        """It is sure to be completed, or to be asked about."""
        return (
            command.name in _KNOWN
            and _TAG.match(command.tag) is not None
            and command.octets.endswith(b"\r\n")
        )


class OneSegment(Held):
    """What answers commands that were sent together is sent together."""

    def _waits(self, reply: Reply) -> bool:
        if super()._waits(reply):
            return True
        pending = reply.connection.pending
        whole = all(self._answered(each) and not each.octets.endswith(b"}\r\n") for each in pending)
        alone = {"AUTHENTICATE", "STARTTLS", "LOGOUT"}
        commands = [*pending, *([reply.command] if reply.command else [])]
        return (
            reply.completes and bool(pending) and whole and not any(each.name in alone for each in commands)
        )


class DataOrder(Held):
    """Untagged data in another order, as far as none tells something that another is about."""

    _MOST = 12  #: so many change places with each other

    def order(self, whole: list[bytes], chance: Random) -> list[bytes]:
        out: list[bytes] = []
        run: list[bytes] = []
        for octets in whole:
            if self._moves(octets):
                run.append(octets)
                if len(run) == self._MOST:
                    out, run = out + self._mixed(run, chance), []
            else:
                out += [*self._mixed(run, chance), octets]
                run = []
        return out + self._mixed(run, chance)

    @staticmethod
    def _moves(octets: bytes) -> bool:
        told, said = data(octets), status(octets)
        if said is not None:
            return said.tag == b"*" and said.word.upper() != b"BYE" and said.code_name != b"CLOSED"
        return told is not None and told.name != b"EXPUNGE"

    def _mixed(self, run: list[bytes], chance: Random) -> list[bytes]:
        left, out = [*enumerate(run)], []
        while left:
            free = [
                (place, octets)
                for place, octets in left
                if not any(before < place and _bound(other, octets) for before, other in left)
            ]
            chosen = chance.choice(free)
            left.remove(chosen)
            out.append(chosen[1])
        return out


@functools.lru_cache(1 << 12)
def _bound(first: bytes, second: bytes) -> bool:
    """The second tells more about what the first told, or is about messages that the first announced."""
    one, other = data(first), data(second)
    if one is not None and other is not None:
        if {one.name, other.name} <= {b"EXISTS", b"FETCH", b"SEARCH"}:
            return b"EXISTS" in (one.name, other.name) or (
                one.name == other.name == b"FETCH" and one.number == other.number
            )
        same = one.name == other.name
        if same and one.name == b"STATUS":
            return _mailbox(one.words[2]) == _mailbox(other.words[2])
        return same and one.name in (b"RECENT", b"FLAGS", b"CAPABILITY")
    here, there = status(first), status(second)
    return (
        here is not None and there is not None and here.code is not None and here.code_name == there.code_name
    )


# ---- octets -------------------------------------------------------------------------------------------------------------


class Octets(Rewriter):
    """One a segment."""

    def segments(self, octets: bytes, connection: Connection, *, to_client: bool) -> Iterable[bytes | float]:  # noqa: ARG002
        return [octets[place : place + 1] for place in range(len(octets))] if to_client else [octets]


class Pieces(Rewriter):
    """Segments of a few octets, wherever they end."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def segments(self, octets: bytes, connection: Connection, *, to_client: bool) -> Iterable[bytes | float]:
        if not to_client:
            return [octets]
        chance, pieces, place = _chance(self.seed, connection), [], 0
        while place < len(octets):
            length = chance.choice([1, 2, 7, 63, 1000])
            pieces.append(octets[place : place + length])
            place += length
        return pieces


class Delays(Rewriter):
    """One in a hundred comes late, at once or from somewhere on."""

    def __init__(self, seed: int, *, longest: float = 0.3) -> None:
        self.seed = seed
        self.longest = longest
        self._sent = seed * 37

    def segments(self, octets: bytes, connection: Connection, *, to_client: bool) -> Iterable[bytes | float]:
        if not to_client:
            return [octets]
        self._sent += 1
        if self._sent % 100:
            return [octets]
        chance = _chance(self.seed, connection)
        place = chance.choice([0, chance.randint(0, len(octets))])
        return [octets[:place], chance.uniform(0, self.longest), octets[place:]]


# ---- all at once --------------------------------------------------------------------------------------------------------


class Together(Rewriter):
    """One rewriter behind the other: each sees what those before it say, the last one's segments count."""

    def __init__(self, rewriters: list[Rewriter]) -> None:
        self.rewriters = rewriters

    def reply(self, reply: Reply) -> Iterable[Out]:
        outs: list[bytes] = [reply.octets]
        for rewriter in self.rewriters:
            before, outs = outs, []
            for octets in before:
                ends = reply.completes and not octets.startswith((b"* ", b"+ "))
                told = dataclasses.replace(reply, octets=octets, completes=ends)
                outs += [out for out in rewriter.reply(told) if isinstance(out, bytes)]
        return outs

    def segments(self, octets: bytes, connection: Connection, *, to_client: bool) -> Iterable[bytes | float]:
        return self.rewriters[-1].segments(octets, connection, to_client=to_client)


# ---- the table ----------------------------------------------------------------------------------------------------------


class Unusual(NamedTuple):
    """A freedom of servers: the sections that give it, and a rewriter with a seed."""

    sections: str
    rewriter: Callable[[int], Rewriter]
    asked: tuple[
        str, ...
    ] = ()  #: requirements that report which choice a server makes here, and nothing else


UNUSUAL = {
    "data in another order": Unusual("2.2.2, 7", DataOrder),
    "items of FETCH in another order": Unusual("7.4.2, 9 (msg-att)", lambda seed: ItemsOrder(seed, b"FETCH")),
    "items of STATUS in another order": Unusual(
        "6.3.10, 9 (status-att-list)", lambda seed: ItemsOrder(seed, b"STATUS")
    ),
    "flags in another order": Unusual("2.3.2, 9 (flag-list)", FlagsOrder),
    "capabilities in another order": Unusual("7.2.1, 9 (capability-data)", CapabilitiesOrder),
    "search results in another order": Unusual("6.4.4, 7.2.5", SearchOrder),
    "search results in two responses": Unusual("7, 7.2.5", SearchInTwo),
    "FETCH in two responses": Unusual("7, 7.4.2", FetchInTwo),
    "FETCH twice": Unusual("7, 7.4.2", lambda seed: Twice(seed, b"FETCH")),
    "EXISTS and RECENT twice": Unusual("7, 7.3", lambda seed: Twice(seed, b"EXISTS", b"RECENT")),
    "EXISTS in between": Unusual(
        "5.2, 5.3, 7", lambda seed: Again(seed, _exists), ("rfc3501/7.4.1/exists-not-needed",)
    ),
    "FLAGS in between": Unusual("5.3, 7, 7.2.6", lambda seed: Again(seed, _flags)),
    "CAPABILITY in between": Unusual("7, 7.2.1", CapabilityAgain),
    "OK in between": Unusual(
        "5.3, 7.1.1",
        lambda seed: Extra(
            seed, b"* OK still here\r\n", b"* OK [ALERT] tea is ready\r\n", b"* OK [X-UNUSUAL 5] Y\r\n"
        ),
    ),
    "NO in between": Unusual(
        "5.3, 7.1.2",
        lambda seed: Extra(seed, b"* NO Disk is nearly full\r\n", b"* NO [ALERT] tea is cold\r\n"),
    ),
    "unknown codes": Unusual("7.1", UnknownCodes),
    "unknown capabilities": Unusual("7.2.1", UnknownCapabilities),
    "another text": Unusual("7.1, 7.5", lambda seed: OtherText(seed, *_TEXTS)),
    "a space for a text": Unusual("9 (text)", lambda seed: OtherText(seed, b" ", b".", b"  ")),
    "a text that looks like a literal": Unusual("4.3, 9 (text)", lambda seed: OtherText(seed, *_LITERALS)),
    "words in another case": Unusual("9 (1)", WordsCase),
    "flags in another case": Unusual("9 (1)", FlagsCase),
    "INBOX in another case": Unusual("5.1, 9 (mailbox)", InboxCase),
    "MIME words in another case": Unusual("7.4.2; RFC 2045, 5.1", MimeCase),
    "strings as literals": Unusual(
        "4.3, 9 (astring, nstring)", lambda seed: Forms(seed, text=_literal_text, name=_literal_name)
    ),
    "strings in quotes": Unusual(
        "4.3, 9 (astring, nstring)", lambda seed: Forms(seed, text=_quoted_text, name=_quoted_name)
    ),
    "names as atoms": Unusual(
        "4.1, 9 (astring)", lambda seed: Forms(seed, text=_quoted_text, name=_atom_name)
    ),
    "numbers with leading zeros": Unusual("4.2, 9 (number)", LeadingZeros),
    "dates in another zone": Unusual("2.3.3, 9 (date-time)", OtherZones),
    "interesting mailboxes": Unusual("7.2.2", Marked),
    "names of other namespaces": Unusual("5.1.2, 6.3.8", OtherNamespaces),
    "one octet a segment": Unusual("2.2", lambda _: Octets()),
    "a few octets a segment": Unusual("2.2", Pieces),
    "one segment for everything": Unusual("2.2, 5.5", OneSegment),
    "delays": Unusual("2.2.2", Delays),
}

#: Many freedoms at once: what a reply looks like, and what stands between replies.
TOGETHER = {
    "other forms of everything": (
        "data in another order", "items of FETCH in another order", "items of STATUS in another order", "flags in another order",
        "capabilities in another order", "search results in another order", "FETCH in two responses", "unknown codes",
        "unknown capabilities", "another text", "words in another case", "flags in another case", "INBOX in another case",
        "strings as literals", "numbers with leading zeros", "dates in another zone", "a few octets a segment",
    ),
    "more of everything": (
        "search results in two responses", "FETCH twice", "EXISTS and RECENT twice", "EXISTS in between", "FLAGS in between",
        "CAPABILITY in between", "OK in between", "NO in between", "a text that looks like a literal", "strings in quotes",
        "MIME words in another case", "interesting mailboxes", "names of other namespaces", "one segment for everything",
    ),
}  # fmt: skip


def together(name: str) -> Unusual:
    """A row for many."""
    rows = [UNUSUAL[each] for each in TOGETHER[name]]
    asked = tuple(requirement for row in rows for requirement in row.asked)
    return Unusual("all of these", lambda seed: Together([row.rewriter(seed) for row in rows]), asked)
