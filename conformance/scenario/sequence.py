"""What only the order of the steps shows: completions that are never expected, labels, holes used before they are bound.

Knows: groups, labels and bindings, as far as they can be told without playing. Must not know: text, trees, connections that live.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.errors import nearest
from conformance.scenario import holes
from conformance.scenario.syntax import (
    Assert,
    Base64,
    Close,
    End,
    Expect,
    Listen,
    Literal8,
    Poll,
    Reconnect,
    Sasl,
    Send,
    SendRaw,
    StartTLS,
)
from conformance.scenario.values import captures, references

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.errors import ScenarioError
    from conformance.scenario.mistakes import Source
    from conformance.scenario.syntax import Outcome, Scenario, State, Step

#: The holes that are bound from the start, in every state or in some.
_ALWAYS = ("prefix", "user", "password", "plain", "wrong")
_TWO_USERS = ("other-user", "other-password")
_STATES: dict[State, tuple[str, ...]] = {
    "clear": (),
    "greeted": (),
    "authenticated": ("delimiter",),
    "created": ("delimiter", "mailbox"),
    "appended": ("delimiter", "mailbox"),
    "selected": ("delimiter", "mailbox", "uidvalidity", "uidnext"),
}

_TAG = re.compile(r"(?:^|\n)([^\s\"(){%*\\]+)(?=[ \r])")


def start_holes(scenario: Scenario) -> tuple[str, ...]:
    """The holes that are bound before the first step."""
    two_users = any(connection.account > 1 for connection in scenario.connections)
    return (*_ALWAYS, *(_TWO_USERS if two_users else ()), *_STATES[scenario.state])


def ends_group(step: Expect) -> bool:
    """Whether a line ends its group: a completion, a continuation request or the end of the connection must come."""
    return step.mode == "must" and all(_ends(outcome) for outcome in step.outcomes)


def _ends(outcome: Outcome) -> bool:
    return isinstance(outcome.template, End) or outcome.template.kind != "untagged"


def _continues(outcome: Outcome) -> bool:
    return not isinstance(outcome.template, End) and outcome.template.kind == "continuation"


def check(scenario: Scenario, source: Source) -> None:
    """Raise the `ScenarioError` for the first step that cannot stand where it stands."""
    checker = _Checker(scenario, source)
    for step in scenario.steps:
        checker.step(step)
    checker.finish()


@dataclass
class _Connection:
    """What is known of one connection while reading."""

    open: dict[str, int] = field(
        default_factory=dict
    )  #: label -> line of each command without completion so far
    labels: set[str] = field(default_factory=set)  #: labels and tags that commands were sent with
    raw: bool = False  #: octets were sent whose commands we do not count
    listens: bool = False  #: what the server says on its own was read, and no command followed
    in_group: bool = False  #: a line of the present group was read
    closed: bool = False


class _Checker:
    """Walks over the steps and keeps what they leave behind."""

    def __init__(self, scenario: Scenario, source: Source) -> None:
        self.scenario = scenario
        self.source = source
        self.known = start_holes(scenario)
        self.bound = set(self.known)
        self.connections = {connection.name: _Connection() for connection in scenario.connections}

    def step(self, step: Step) -> None:
        """One step more."""
        match step:
            case Send():
                self.send(step)
            case SendRaw():
                self.raw(step)
            case Expect():
                self.expect(step)
            case Sasl():
                self.sasl(step)
            case Poll():
                self.connection(step)
                self.outcomes(step, binds=True)
            case StartTLS() | Listen():
                self.between(step)
            case Assert():
                self.assertion(step)
            case Reconnect():
                self.reconnect(step)
            case Close():
                self.close(step)

    def connection(
        self, step: Send | SendRaw | Expect | Poll | StartTLS | Sasl | Listen | Close
    ) -> _Connection:
        """The connection of a step, which must be open."""
        connection = self.connections[step.connection]
        if connection.closed:
            raise self.source.error("closed", step.line)
        return connection

    def need(self, line: int, names: Iterable[str]) -> None:
        """Every name must be bound by now, and have a text on every server that the scenario is for."""
        for name in names:
            if name == "delimiter" and "HIERARCHY" not in self.scenario.requires:
                raise self.source.error_at("no-hierarchy", line, "${delimiter")
            if name not in self.bound:
                found = re.search(rf"\$\{{{re.escape(name)}[:}}]", self.source.line(line))
                column = found.start() + 1 if found else 1
                known = ", ".join(f"${{{hole}}}" for hole in self.known)
                near = nearest(name, self.bound)
                raise self.source.error("unbound-hole", line, column, word=name, near=near, known=known)

    def send(self, step: Send) -> None:
        """A command: its label is free, and what it needs is bound."""
        connection = self.connection(step)
        for part in step.parts:
            self.need(step.line, _names(_text(part)))
            if isinstance(part, Literal8) and not part.sync:
                self.non_synchronising(step.line)
        if step.label and step.label in connection.open:
            raise self.label_error("label-in-use", step)
        self.begin(connection, step.line, step.label)

    def begin(self, connection: _Connection, line: int, label: str = "") -> None:
        """A command is in progress from here on."""
        if label in connection.open:
            raise self.source.error("no-completion", connection.open[label])
        connection.open[label] = line
        connection.labels.add(label)
        connection.in_group = connection.listens = False

    def sasl(self, step: Sasl) -> None:
        """An exchange: the server offers the mechanism, and nothing else is in progress."""
        connection = self.connection(step)
        self.settled(connection)
        self.need(step.line, _names(step.password))
        if f"AUTH={step.mechanism}" not in self.scenario.requires:
            raise self.source.error_at("mechanism-offered", step.line, step.mechanism, word=step.mechanism)
        self.begin(connection, step.line)

    def between(self, step: StartTLS | Listen) -> None:
        """What is done between commands. While one is in progress, what is heard would be its answer."""
        connection = self.connection(step)
        connection.in_group = False
        if isinstance(step, Listen):
            self.settled(connection)
            connection.listens = True

    def non_synchronising(self, line: int) -> None:
        """A literal with `+` is only legal where the server offers it (RFC 7888)."""
        if not {"LITERAL+", "LITERAL-"} & set(self.scenario.requires):
            raise self.source.error_at("literal-plus", line, "{+")

    def raw(self, step: SendRaw) -> None:
        """Octets: the tags in them are labels."""
        connection = self.connection(step)
        octets = "".join(map(_text, step.parts))
        self.need(step.line, _names(octets))
        connection.labels.update(_TAG.findall(octets))
        connection.raw = True
        connection.in_group = False

    def expect(self, step: Expect) -> None:
        """An expectation: it answers something, and what it compares with is bound."""
        connection = self.connection(step)
        self.label(connection, step)
        self.outcomes(step, binds=step.mode != "must-not")
        if step.mode == "must-not":
            return
        if step.after_previous and not connection.in_group:
            raise self.source.error_at("no-previous", step.line, "S>")
        waits = any(isinstance(outcome.template, End) for outcome in step.outcomes)
        answers = step.label in connection.open if step.label else bool(connection.open) or connection.listens
        if not (answers or connection.raw or waits):
            raise self.source.error("nothing-sent", step.line)
        connection.in_group = True
        if step.mode == "must":
            self.complete(connection, step)

    def label(self, connection: _Connection, step: Expect) -> None:
        """A label was declared, or is a tag that was sent."""
        if step.label and step.label not in connection.labels:
            near = nearest(step.label, connection.labels)
            raise self.label_error("undeclared-label", step, near=near)

    def label_error(self, mistake: str, step: Send | Expect, near: str = "") -> ScenarioError:
        """The error at the label of a step."""
        column = self.source.line(step.line).find(f" {step.label}") + 2
        return self.source.error(mistake, step.line, column, word=step.label, near=near)

    def complete(self, connection: _Connection, step: Expect) -> None:
        """A line that ends its group closes a command, all of them if the connection must end."""
        ends = [outcome for outcome in step.outcomes if _ends(outcome)]
        if ends and len(ends) < len(step.outcomes):
            raise self.source.error_at("mixed-outcomes", step.line, ends[0].source)
        if not ends:
            return
        connection.in_group = False
        if all(_continues(outcome) for outcome in ends):
            return  # the command goes on; where `+` is one outcome of several, the scenario asks no more of it
        connection.closed = all(isinstance(outcome.template, End) for outcome in ends)
        if connection.closed:
            connection.open.clear()
        elif connection.open:
            connection.open.pop(step.label if step.label in connection.open else list(connection.open)[-1])

    def outcomes(self, step: Expect | Poll | StartTLS, *, binds: bool) -> None:
        """Holes inside texts are bound before, lone holes are bound here."""
        for outcome in step.outcomes:
            if not isinstance(outcome.template, End):
                self.need(step.line, references(outcome.template))
                if binds:
                    self.bound |= captures(outcome.template)

    def assertion(self, step: Assert) -> None:
        """Everything compared is bound."""
        for operand in (operand for claim in step.claims for operand in claim.operands):
            lone = [operand.hole] if operand.hole not in (None, "delimiter") else []
            self.need(step.line, [*lone, *_names(operand.word or "")])

    def reconnect(self, step: Reconnect) -> None:
        """A new connection: nothing is left of the old one, and nothing may be left open on it."""
        self.settled(self.connections[step.connection])
        self.connections[step.connection] = _Connection()

    def close(self, step: Close) -> None:
        """We close: open commands are given up."""
        connection = self.connection(step)
        connection.open.clear()
        connection.closed = True

    def settled(self, connection: _Connection) -> None:
        """No command is without completion."""
        for line in connection.open.values():
            raise self.source.error("no-completion", line)

    def finish(self) -> None:
        """The end of the file settles every connection."""
        for connection in self.connections.values():
            self.settled(connection)


def _text(part: str | Literal8 | Base64) -> str:
    return part if isinstance(part, str) else part.template


def _names(text: str) -> Iterable[str]:
    return (name for name, _ in holes.names(text))
