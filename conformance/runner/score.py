"""Whether every expectation can fail: recorded plays judged again with one response altered at a time.

For each line of a scenario that carries a verdict, alterations near it are tried until one turns its verdict. What no alteration turns
is an expectation that says nothing. Optional lines and `[given]` ones carry no verdict and are not counted. Rewritings that say the
same in another legal way must turn none. Always-on checks have tests of their own: only rewritings look at them.
Knows: the journal, the player, alterations, rewritings. Must not know: sockets, how a score is shown.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from conformance import grammar
from conformance.errors import TargetError, UsageError
from conformance.response import Atom, read
from conformance.runner import alter
from conformance.runner.findings import Findings
from conformance.runner.ledger import carried_by
from conformance.runner.replay import Told, player_of, scenario_of
from conformance.runner.rewrite import REWRITINGS
from conformance.scenario import holes
from conformance.scenario.load import select
from conformance.scenario.match import can_fit
from conformance.scenario.sequence import ends_group, start_holes
from conformance.scenario.syntax import GIVEN, Assert, End, Expect, Poll, Sasl, StartTLS
from conformance.scenario.values import captures, resolve_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lark import Token, Tree

    from conformance.journal import Case, Header, Journal, Step
    from conformance.response import Response
    from conformance.runner.ledger import Mark
    from conformance.runner.player import Player
    from conformance.scenario.holes import Bindings
    from conformance.scenario.syntax import Operand, Scenario
    from conformance.scenario.syntax import Step as Line

    #: What was done to a recording, and the recording then.
    Altered = tuple[str, list[Step]]

#: Alterations that are tried for one line.
_MOST = 300
#: Trees that are kept.
_PARSED = 20_000
_DAY = re.compile(r"[0-9]{1,2}-[A-Za-z]{3}-[0-9]{4}")
_HEARD = ("receive", "silence", "end")


class _Remembering(grammar.Grammar):
    """Altered plays have nearly all their responses in common: each is parsed once."""

    def __init__(self, fragments: tuple[str, ...]) -> None:
        super().__init__(fragments)
        self._parsed: dict[tuple[str, bytes], Tree[Token]] = {}

    def parse(self, kind: grammar.Kind, octets: bytes) -> Tree[Token]:
        """See `Grammar.parse`."""
        known = self._parsed.get((kind, octets))
        if known is None:
            if len(self._parsed) > _PARSED:
                self._parsed.clear()
            known = self._parsed[kind, octets] = super().parse(kind, octets)
        return known


@functools.cache
def remembering(fragments: tuple[str, ...]) -> grammar.Grammar:
    """A grammar that knows again what it has parsed."""
    return _Remembering(fragments)


@dataclass(frozen=True)
class Expectation:
    """A line that carries a verdict."""

    case: str
    path: str
    line: int
    source: str
    requirement: str


@dataclass(frozen=True)
class Recorded:
    """One play in a journal."""

    header: Header
    case: Case
    steps: list[Step]


@dataclass
class Score:
    """What became of the expectations of one journal or several."""

    reached: set[Expectation] = field(default_factory=set)
    #: What turned the verdict; "as recorded" if it needed no alteration.
    turned: dict[Expectation, str] = field(default_factory=dict)
    unreached: set[Expectation] = field(default_factory=set)
    changed: list[str] = field(
        default_factory=list
    )  #: verdicts that a legal rewriting changed: faults of ours
    plays: int = 0

    @property
    def known(self) -> bool:
        """Whether there was anything to look at."""
        return bool(self.reached or self.unreached)

    @property
    def never_failed(self) -> list[Expectation]:
        """Those that nothing turned, in the order of cases and lines."""
        return sorted(self.reached - self.turned.keys(), key=lambda each: (each.case, each.line))

    def take(self, other: Score) -> None:
        """What another journal shows besides."""
        self.reached |= other.reached
        self.turned = {**other.turned, **self.turned}
        self.unreached = (self.unreached | other.unreached) - self.reached
        self.changed += other.changed
        self.plays += other.plays


def expectations(scenario: Scenario) -> dict[int, Expectation]:
    """By their lines, those of a scenario that carry a verdict."""
    found: dict[int, Expectation] = {}
    for step in scenario.steps:
        requirement = carried_by(step, scenario)
        # `tls | end` takes whatever becomes of the handshake: the lines behind it ask.
        optional = (
            step.outcomes if isinstance(step, StartTLS) else isinstance(step, Expect) and step.mode == "may"
        )
        if requirement and requirement != GIVEN and not optional:
            source = step.source if isinstance(step, Expect | Poll | Assert | StartTLS | Sasl) else ""
            found[step.line] = Expectation(scenario.id, scenario.path, step.line, source, requirement)
    return found


def plays(journal: Journal, ids: Sequence[str] = ()) -> list[Recorded]:
    """The first play of each case that was selected. Raises `NothingSelectedError` if there is none."""
    steps: dict[str, list[Step]] = {}
    for step in journal.steps:
        if step.attempt == 1:
            steps.setdefault(step.case, []).append(step)
    cases = {case.id: case for case in journal.cases if case.attempt == 1}
    return [Recorded(journal.header, cases[each], steps.get(each, [])) for each in select([*cases], ids)]


def score(recorded: Recorded) -> Score:
    """What alterations and rewritings make of one play."""
    return _Case(recorded).score()


class _Case:
    """One recorded play, altered and judged again, many times."""

    def __init__(self, recorded: Recorded) -> None:
        self.header = recorded.header
        self.case = recorded.case
        self.steps = recorded.steps
        self.scenario = scenario_of(recorded.case)
        self.lines: dict[int, Line] = {step.line: step for step in self.scenario.steps}
        self.known = expectations(self.scenario)
        self.twins = _twins(self.scenario, self.known)
        self.plays = 0
        self.marks: dict[int, Mark] = {}  #: of the play as it was recorded
        self.bindings: Bindings = {}
        self.found: set[str] = set()  #: what the always-on checks found in the latest play

    def score(self) -> Score:
        """Try alterations for each line until its verdict turns."""
        everything = set(self.known.values())
        try:
            player = self.play(self.steps)
        except UsageError:  # a step was cut
            return Score(unreached=everything)
        self.bindings = player.bindings
        self.marks = {mark.line: mark for mark in player.marks if mark.line in self.known}
        reached = {self.known[line] for line in self.known if line in self.marks or self._sasl(line)}
        result = Score(reached, unreached=everything - reached)
        result.turned = {self.known[mark.line]: "as recorded" for mark in self.marks.values() if is_bad(mark)}
        for expectation in sorted(reached, key=lambda each: each.line):
            if expectation in result.turned:
                continue
            for how, steps in islice(self.near(self.lines[expectation.line]), _MOST):
                for line in self.bad(steps, expectation.line):
                    for twin in self.twins[line]:
                        result.turned.setdefault(self.known[twin], how)
                if expectation in result.turned:
                    break
        result.changed = [*self.rewritten()]
        result.plays = self.plays
        return result

    def play(self, steps: Sequence[Step], until: int = 0) -> Player:
        """What played against these steps. It ends when line `until` is judged."""
        self.plays += 1
        findings = Findings()
        player = player_of(
            self.header, self.scenario, self.case, steps, Told(findings), remembering(grammar.DEFAULT)
        )
        # An altered recording may lead to a connection that was not made: what was judged before counts.
        with contextlib.suppress(TargetError):
            player.play(until)
        self.found = {*findings.found}
        return player

    def rewritten(self) -> Iterator[str]:
        """The verdicts that change when the same is said in another legal way."""
        before, found = {mark.line: mark for mark in self.play(self.steps).marks}, self.found
        for how, rewrite in REWRITINGS.items():
            marks = self.play(rewrite(self.steps, remembering(grammar.DEFAULT))).marks
            after = {mark.line: mark for mark in marks}
            for line in sorted(before.keys() | after.keys()):
                one, other = before.get(line), after.get(line)
                if (one and (one.status, one.kind)) != (other and (other.status, other.kind)):
                    shown = [mark.status if mark else "not judged" for mark in (one, other)]
                    detail = f" ({other.actual} {other.message})" if other else ""
                    yield f"{self.scenario.path}:{line}: {how}: {' -> '.join(shown)}{detail}"
            for signature in sorted(self.found ^ found):
                yield f"{self.scenario.path}: {how}: always-on {signature}"

    def bad(self, steps: Sequence[Step], until: int) -> set[int]:
        """The lines whose verdict is bad with these steps, up to one."""
        return {
            mark.line for mark in self.play(steps, until).marks if is_bad(mark) and mark.line in self.known
        }

    def _sasl(self, line: int) -> bool:
        """Whether a `sasl:` was begun: it leaves a mark only when it fails."""
        begun = any(step.kind == "send" and step.line == line for step in self.steps)
        return isinstance(self.lines[line], Sasl) and begun

    # --- alterations near a line -------------------------------------------------------------------------------------

    def near(self, line: Line) -> Iterator[Altered]:
        """Alterations that may turn the verdict of a line, the likely ones first."""
        match line:
            case Expect() if line.mode == "must-not":
                yield from self._insert(line)
            case Expect() if ends_group(line):
                yield from self._complete(line)
            case Expect() | Poll():
                yield from self._omit(line)
            case Assert():
                yield from self._captured(line)
            case StartTLS():
                yield from self._handshake()
            case Sasl():
                yield from self._challenge(line)

    def _with(self, index: int, *octets: bytes) -> list[Step]:
        """The steps with others in place of one."""
        step = self.steps[index]
        new = [dataclasses.replace(step, kind="receive", octets=each.decode("latin-1")) for each in octets]
        return [*self.steps[:index], *new, *self.steps[index + 1 :]]

    def _octets(self, index: int) -> bytes:
        return self.steps[index].octets.encode("latin-1")

    def _place(self, line: Line) -> int | None:
        """Index of the step that decides a line."""
        steps = self.marks[line.line].steps
        return steps[1] - 1 if steps and 0 < steps[1] <= len(self.steps) else None

    def _changed(self, index: int, others: Iterable[bytes] = ()) -> Iterator[Altered]:
        for octets in alter.values(self._octets(index), others):
            yield "changed", self._with(index, octets)

    def _complete(self, line: Expect) -> Iterator[Altered]:
        place = self._place(line)
        if place is None:
            return
        step = self.steps[place]
        if step.kind == "end":
            yield "stays open", self._silent(place)
            bye = [n for n, each in enumerate(self.steps[:place]) if " BYE" in each.octets]
            yield from (("dropped", self._with(n)) for n in reversed(bye))
            return
        octets = self._octets(place)
        tag = self._tags(line.connection, place)[-1:]
        for other in alter.refusals(tag[0]) if octets.startswith(b"+") and tag else alter.completions(octets):
            yield "status", self._with(place, other)
        yield from self._changed(place)
        yield "silence", self._silent(place)

    def _silent(self, place: int) -> list[Step]:
        """Nothing comes in place of a step."""
        quiet = dataclasses.replace(self.steps[place], kind="silence", note="", together=False)
        return [*self.steps[:place], *[quiet] * 3, *self.steps[place + 1 :]]

    def _tags(self, connection: str, place: int) -> list[bytes]:
        """The tags that were sent on a connection before a step."""
        sent = (s.octets for s in self.steps[:place] if s.kind == "send" and s.connection == connection)
        return [octets.encode("latin-1").split(b" ")[0] for octets in sent if " " in octets]

    def _omit(self, line: Expect | Poll) -> Iterator[Altered]:
        place = self._place(line)
        if place is None:
            return
        if self.steps[place].kind != "receive":
            yield "stays open", self._silent(place)
            return
        templates = [each.template for each in line.outcomes if not isinstance(each.template, End)]
        yield from islice(self._changed(place), 40)
        yield "dropped", self._with(place)
        for other in self._fitting(templates, place):
            yield "dropped", self._with(other)
            yield from islice(self._changed(other), 40)

    def _fitting(self, templates: Sequence[Response], before: int) -> list[int]:
        """Steps before one whose responses fit a template, the latest first."""
        return [
            n
            for n, step in reversed([*enumerate(self.steps[:before])])
            if step.kind == "receive" and any(self._fits(each, self._octets(n)) for each in templates)
        ]

    def _fits(self, template: Response, octets: bytes) -> bool:
        """Whether octets are what a template might have captured."""
        own = captures(template)
        known = {name: value for name, value in self.bindings.items() if name not in own}
        return can_fit(template, read(remembering(grammar.DEFAULT), octets), known)

    def _insert(self, line: Expect) -> Iterator[Altered]:
        decided = self._place(line)
        heard = [
            n
            for n, step in enumerate(self.steps[: (decided or 0) + 1])
            if step.connection == line.connection and step.kind in _HEARD
        ]
        for outcome in line.outcomes:
            for place in reversed(heard[-4:]):
                before, step = self.steps[:place], self.steps[place]
                if isinstance(outcome.template, End):
                    end = dataclasses.replace(step, kind="end", note="closed", octets="", together=False)
                    yield "inserted", [*before, end, *self.steps[place:]]
                    continue
                for octets in self._unwanted(outcome.template, line, place):
                    new = dataclasses.replace(step, kind="receive", octets=octets.decode("latin-1"), note="")
                    yield "inserted", [*before, new, *self.steps[place:]]

    def _unwanted(self, template: Response, line: Expect, place: int) -> list[bytes]:
        """Responses that fit a template, well formed ones first."""
        filled = resolve_all(template, self.bindings)
        tags = [""]
        if template.kind == "tagged":
            sent = reversed(self._tags(line.connection, place))
            tags = [line.label, *(tag.decode("latin-1") for tag in sent)]
        made = dict.fromkeys(
            octets for tag in tags for octets in alter.written(dataclasses.replace(filled, tag=tag))
        )
        responses = [read(remembering(grammar.DEFAULT), octets) for octets in made]
        fitting = [each for each in responses if can_fit(template, each, self.bindings)]
        return [each.raw for each in sorted(fitting, key=lambda each: each.problem is not None)][:8]

    def _captured(self, line: Assert) -> Iterator[Altered]:
        operands = [operand for claim in line.claims for operand in claim.operands]
        names = {operand.hole for operand in operands if operand.hole}
        names |= {name for operand in operands for name, _ in holes.names(operand.word or "")}
        others = dict.fromkeys(form for operand in operands for form in _forms(operand, self.bindings))
        place = self._place(line)
        place = len(self.steps) if place is None else place + 1
        templates = [
            outcome.template
            for step in self.scenario.steps
            if isinstance(step, Expect | Poll) and step.line < line.line
            for outcome in step.outcomes
            if not isinstance(outcome.template, End) and captures(outcome.template) & names
        ]
        likely = self._fitting(templates, place)
        rest = [n for n in reversed(range(place)) if self.steps[n].kind == "receive" and n not in likely]
        for index in likely:
            yield from self._well_formed(index, others)
        for index in likely:
            yield "dropped", self._with(index)
        for index in rest:
            yield from self._well_formed(index, others)

    def _well_formed(self, index: int, others: Iterable[bytes]) -> Iterator[Altered]:
        """Changes after which a response is as well formed as before: a comparison has to see more than a wrong kind of value."""
        refused = read(remembering(grammar.DEFAULT), self._octets(index)).problem is not None
        for how, steps in self._changed(index, others):
            octets = steps[index].octets.encode("latin-1")
            if refused or read(remembering(grammar.DEFAULT), octets).problem is None:
                yield how, steps

    def _handshake(self) -> Iterator[Altered]:
        for n, step in enumerate(self.steps):
            if step.kind == "tls":
                end = dataclasses.replace(step, kind="end", note="tls: altered")
                yield "handshake", [*self.steps[:n], end, *self.steps[n + 1 :]]

    def _challenge(self, line: Sasl) -> Iterator[Altered]:
        begun = next(n for n, step in enumerate(self.steps) if step.kind == "send" and step.line == line.line)
        for n, step in enumerate(self.steps):
            if n > begun and step.kind == "receive" and step.connection == line.connection:
                yield "challenge", self._with(n, b"+ !\r\n")
                yield "challenge", self._with(n, b"+ YWx0ZXJlZA==\r\n")
                yield "challenge", self._with(n, b"+ \r\n", self._octets(n))
                yield "challenge", self._with(n, b"+ \r\n", b"+ \r\n", self._octets(n))


def _twins(scenario: Scenario, known: Mapping[int, Expectation]) -> dict[int, list[int]]:
    """Each line that carries a verdict with those of its group that say the same: what one of them misses is told of any."""
    groups: dict[object, list[int]] = {}
    seen: set[str] = set(start_holes(scenario))
    fresh: set[str] = set()
    group = 0
    for step in scenario.steps:
        outcomes = step.outcomes if isinstance(step, Expect) else ()
        templates = [each.template for each in outcomes if not isinstance(each.template, End)]
        fresh |= {name for each in templates for name in captures(each)} - seen
        if step.line in known:
            said = known[step.line].source
            for name in fresh:
                said = said.replace(f"${{{name}}}", "${}")
            groups.setdefault((group, said) if outcomes else step.line, []).append(step.line)
        if not isinstance(step, Expect) or ends_group(step):
            group += 1
            seen |= fresh
            fresh.clear()
    return {line: lines for lines in groups.values() for line in lines}


def _forms(operand: Operand, bindings: Bindings) -> Iterator[bytes]:
    """How an operand may stand in a response."""
    try:
        value = (
            bindings[operand.hole]
            if operand.hole
            else Atom(holes.render(operand.word or "", bindings).decode("latin-1"))
        )
    except (KeyError, holes.MisfitError):
        return
    yield alter.value(value)
    if isinstance(value, Atom):
        if _DAY.fullmatch(value.text):
            yield f'"{value.text:>11} 12:00:00 +0000"'.encode("latin-1")
        yield alter.string(value.text.encode("latin-1"))


def is_bad(mark: Mark) -> bool:
    """Whether a mark says that a line was not met; of a MAY, that is told apart from a free choice by its kind."""
    if mark.status in ("FAIL", "WARN", "TIMEOUT"):
        return True
    accepted = mark.kind in ("", "outcome") or (mark.kind == "assert" and mark.words)
    return mark.status == "INFO" and not accepted
