"""A scenario as data: what a file says, nothing of how it is played.

Every node keeps the line of the file it came from, for messages, journal and report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from conformance.response import Response

#: In place of a requirement: the step only brings the server to where the question can be asked. When it does not come as written,
#: the case is BLOCKED and blames nobody.
GIVEN = "given"

State = Literal["clear", "greeted", "authenticated", "created", "appended", "selected"]
#: States in which nobody is logged in; in `clear`, TLS has not begun either, whatever the address asks for.
NOT_LOGGED_IN = frozenset({"clear", "greeted"})
Delivery = Literal["as-written", "one-segment", "octets"]
#: SASL mechanisms that a `sasl:` step can carry out.
MECHANISMS = ("PLAIN", "LOGIN", "EXTERNAL", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")

Verdict = Literal["WARN", "INFO", "SKIP"]
Touches = Literal["inbox", "subscriptions", "limits", "secrecy"]


@dataclass(frozen=True)
class Literal8:
    """A literal inside a command: octets to send behind `{n}` (synchronising) or `{n+}`.

    Exactly one of `template` (text with holes, escapes already resolved to octets as latin-1) and `file` (a name below
    scenarios/messages or beside the scenario) is set.
    """

    template: str = ""
    file: str = ""
    sync: bool = True


@dataclass(frozen=True)
class Base64:
    """`{base64 "..."}`: the BASE64 of a text (with holes, escapes already resolved)."""

    template: str


@dataclass(frozen=True)
class Send:
    """`C:`, `C label:`: a command without its tag; strings (with holes), literals and encoded texts in turn."""

    line: int
    connection: str
    label: str  #: "" for the usual case: the latest command of this connection
    parts: tuple[str | Literal8 | Base64, ...]


@dataclass(frozen=True)
class SendRaw:
    """`C~`: octets as they stand (latin-1, holes allowed), nothing added."""

    line: int
    connection: str
    parts: tuple[str | Base64, ...]


@dataclass(frozen=True)
class End:
    """`end`, `end BYE`: the server closes the connection; with `bye`, after an untagged BYE."""

    bye: bool = False


@dataclass(frozen=True)
class Outcome:
    """One accepted outcome of an expectation: a template or the end of the connection, and what it is worth.

    `verdict` None means it is what was expected; "WARN" and "INFO" are weaker, with a few `words`; with "SKIP" the rest of the case
    does not apply.
    """

    template: Response | End
    source: str  #: as written, for messages
    verdict: Verdict | None = None
    words: str = ""


@dataclass(frozen=True)
class Expect:
    """`S:` must arrive, `S?` may arrive, `S!` must not arrive, before the completion that ends its group.

    `label` ties it to a command ("" = the latest). `after_previous` (`S>`) asks that it arrives after the line before it.
    """

    line: int
    connection: str
    label: str
    mode: Literal["must", "may", "must-not"]
    outcomes: tuple[Outcome, ...]
    requirement: str | None  #: overrides the first of `proves:`
    source: str
    after_previous: bool = False


@dataclass(frozen=True)
class Poll:
    """`poll`: NOOP again and again until the template arrives or the deadline passes."""

    line: int
    connection: str
    outcomes: tuple[Outcome, ...]
    requirement: str | None
    source: str


Relation = Literal["<", "<=", ">", ">=", "=", "!=", "in", "not in", "same set"]


@dataclass(frozen=True)
class Operand:
    """One side of a comparison: a word (atom, number or string) or a hole with an optional accessor (`${date:day}`)."""

    word: str | None = None
    hole: str | None = None
    accessor: str = ""


@dataclass(frozen=True)
class Claim:
    """`${a} < ${b} < ${c}`: every neighbouring pair holds. `source`, `verdict` and `words` are those of an `Outcome`."""

    operands: tuple[Operand, ...]
    relations: tuple[Relation, ...]
    source: str
    verdict: Verdict | None = None
    words: str = ""


@dataclass(frozen=True)
class Assert:
    """`assert: ${a} < ${b} | ${a} = ${b} -> INFO same`: one of the claims must hold."""

    line: int
    claims: tuple[Claim, ...]
    requirement: str | None
    source: str


@dataclass(frozen=True)
class Reconnect:
    """`reconnect`: log out, connect again, log in (up to the state `authenticated`; with state greeted, only connect)."""

    line: int
    connection: str


@dataclass(frozen=True)
class StartTLS:
    """`tls`: start the TLS handshake; `outcomes` lists what else than success is accepted (`tls | end -> INFO refused`)."""

    line: int
    connection: str
    outcomes: tuple[Outcome, ...]
    requirement: str | None
    source: str


@dataclass(frozen=True)
class Close:
    """`close`: the client closes the connection without LOGOUT."""

    line: int
    connection: str


@dataclass(frozen=True)
class Sasl:
    """`sasl: MECHANISM`: a whole AUTHENTICATE exchange; its completion is for the line behind it. `password`: another than the user's."""

    line: int
    connection: str
    mechanism: str
    password: str
    requirement: str | None
    source: str


@dataclass(frozen=True)
class Listen:
    """`listen`: read for a while what the server says on its own."""

    line: int
    connection: str


Step = Send | SendRaw | Expect | Poll | Assert | Reconnect | StartTLS | Close | Sasl | Listen


@dataclass(frozen=True)
class Connection:
    """A connection of the scenario and the account it uses (1 is the first)."""

    name: str
    account: int = 1


@dataclass(frozen=True)
class Scenario:
    """One scenario file."""

    id: str  #: path below the scenario root without ending, with `/`
    path: str
    source: str
    title: str
    proves: tuple[str, ...]
    state: State
    messages: int | None = None  #: None: the state's default (1 for appended and selected, 0 for created)
    message_file: str = ""  #: `messages: 3 simple.eml`; "" means the built-in numbered message
    connections: tuple[Connection, ...] = (Connection("A"),)
    requires: tuple[str, ...] = ()  #: capabilities; a leading `!` asks for absence
    delivery: Delivery = "as-written"
    touches: tuple[Touches, ...] = ()
    steps: tuple[Step, ...] = field(default=())
