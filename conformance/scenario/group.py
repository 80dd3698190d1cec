"""A group of expectation lines against everything that arrived for it.

Every line takes a response of its own, in any order (`S>`: in order), except that lines may share a merged FETCH or SEARCH and a
completion. Of all assignments the one is taken that leaves the fewest `S:` lines without a response, then accepts the fewest weaker
outcomes, then leaves the fewest `S?` lines without one; among equals the first in the order of lines, outcomes and responses.
Knows: how lines compete for responses. Must not know: levels of requirements, what is done about a line that failed.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from conformance.scenario.holes import shorten
from conformance.scenario.match import (
    Candidate,
    Mismatch,
    Part,
    can_fit,
    candidates,
    covers,
    match,
    parts,
    solve,
)
from conformance.scenario.sequence import ends_group
from conformance.scenario.syntax import End, Expect, Poll
from conformance.scenario.values import references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from conformance.response import Response
    from conformance.scenario.holes import Bindings
    from conformance.scenario.syntax import Outcome

#: What became of a line. "ok": an outcome arrived, or nothing did and nothing had to. "unwanted": an `S!` response arrived. All others:
#: no outcome arrived; "OK", "NO" and "BAD" are the completion that came instead, "closed" says that the connection ended instead,
#: "open" that it did not end, "mismatch" that a response of the same name arrived and differed, "order" that the response arrived
#: before that of the line above, "missing" that nothing like it arrived.
What = Literal["ok", "unwanted", "OK", "NO", "BAD", "closed", "open", "mismatch", "order", "missing"]

#: Responses that are merged, and so may be taken by several lines.
SHARED = frozenset({"FETCH", "SEARCH"})


@dataclass(frozen=True)
class Arrived:
    """What arrived on a connection while a group was open."""

    responses: Sequence[Response]
    ended: bool = False  #: the server closed the connection behind them
    #: Label of a line -> tag that was sent; "" is the latest command. A label that is not here is a tag itself.
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def bye(self) -> bool:
        """Whether an untagged BYE is among the responses."""
        return any(response.kind == "untagged" and response.name == "BYE" for response in self.responses)


@dataclass(frozen=True)
class Judged:
    """What became of one line."""

    line: Expect
    what: What
    outcome: Outcome | None = None  #: the one that arrived; None if none did
    #: Of the response that decides, among those that arrived; their number means the end of the connection.
    place: int | None = None
    actual: str = ""  #: that response in one line, "" if there is none
    difference: str = ""  #: how it differs from what was expected, a clause; "" if the response says it

    @property
    def expected(self) -> str:
        """All accepted outcomes, as written."""
        accepted = " | ".join(map(_written, self.line.outcomes))
        return f"no {accepted}" if self.line.mode == "must-not" else accepted


@dataclass(frozen=True)
class GroupOutcome:
    """What became of a group: one `Judged` for each line, in their order."""

    lines: tuple[Judged, ...]
    bindings: Bindings
    taken: frozenset[int]  #: places of the responses that lines took

    @property
    def ok(self) -> bool:
        """Whether every line was met, by whatever outcome."""
        return all(judged.what == "ok" for judged in self.lines)


def expect_of(poll: Poll) -> Expect:
    """The expectation that a `poll` waits for."""
    return Expect(poll.line, poll.connection, "", "must", poll.outcomes, poll.requirement, poll.source)


def match_group(lines: Sequence[Expect], arrived: Arrived, bindings: Bindings) -> GroupOutcome:
    """Judge every line of a group.

    `bindings` are not changed; those of the outcome extend them with what the lines captured.
    """
    positive = [line for line in lines if line.mode != "must-not"]
    search = _Search(positive, arrived, bindings)
    chosen = [choice for choice in search.best if choice]
    taken = frozenset(place for choice in chosen for place in choice.places)
    judged = iter(
        _met(line, choice) if choice else _unmet(n, line, arrived, search)
        for n, (line, choice) in enumerate(zip(positive, search.best, strict=True))
    )
    results = tuple(
        _forbidden(line, arrived, search.bound, _meant(line, chosen, bindings))
        if line.mode == "must-not"
        else next(judged)
        for line in lines
    )
    return GroupOutcome(results, search.bound, taken)


@dataclass(frozen=True)
class _Choice:
    """An outcome of a line and what it takes: a candidate, or the end of the connection."""

    outcome: Outcome
    places: tuple[int, ...]
    candidate: Candidate | None = None
    compared: Sequence[Part] = ()  #: of the outcome's template and the candidate; nothing for the end

    @property
    def exclusive(self) -> bool:
        """Whether no other line may take the same."""
        response = self.candidate.response if self.candidate else None
        return response is not None and response.kind == "untagged" and response.name not in SHARED


#: What a line costs: without any response, and with a weaker outcome.
_ABSENT = {"must": 10**9, "may": 10**3}
_WEAK = {"must": 10**6, "may": 1}
#: Responses that are compared, when none fits, to say which differs least.
_NEAR = 1_000
#: Choices that a search tries: beyond, the best assignment so far is good enough.
_BUDGET = 10_000


class _Search:
    """Branch and bound over the choices of all lines; `best` has a choice or None for each, `bound` the bindings with it."""

    def __init__(self, lines: Sequence[Expect], arrived: Arrived, bindings: Bindings) -> None:
        self.lines = lines
        self.merged = candidates(arrived.responses)
        self.choices = [[*_choices(line, self.merged, arrived, bindings)] for line in lines]
        self.best: tuple[_Choice | None, ...] = ()
        self.bound = bindings
        self._cost: int | None = None
        self._steps = 0
        #: What the lines from the n-th on cost at least.
        self._rest = [0]
        for line, choices in zip(reversed(lines), reversed(self.choices), strict=True):
            self._rest.insert(
                0, self._rest[0] + min([_ABSENT[line.mode], *(_cost(line, each) for each in choices)])
            )
        self._descend((), bindings, 0)

    @property
    def _spent(self) -> bool:
        """Whether nothing better can be found, or not with reasonable effort."""
        return self._cost is not None and (self._cost == self._rest[0] or self._steps > _BUDGET)

    def _descend(self, chosen: tuple[_Choice | None, ...], bindings: Bindings, cost: int) -> None:
        n = len(chosen)
        if self._cost is not None and cost + self._rest[n] >= self._cost:
            return
        if n == len(self.lines):
            self.best, self.bound, self._cost = chosen, bindings, cost
            return
        line = self.lines[n]
        for choice in self.choices[n]:
            self._steps += 1
            for bound in solve(choice.compared, bindings) if _possible(line, choice, chosen) else ():
                self._steps += 1
                self._descend((*chosen, choice), bound, cost + _cost(line, choice))
                if self._spent:
                    return
        self._descend((*chosen, None), bindings, cost + _ABSENT[line.mode])


def _cost(line: Expect, choice: _Choice) -> int:
    return _WEAK[line.mode] if choice.outcome.verdict else 0


def _possible(line: Expect, choice: _Choice, chosen: tuple[_Choice | None, ...]) -> bool:
    """Whether the lines before leave this choice."""
    if choice.exclusive and any(other and other.places == choice.places for other in chosen):
        return False
    previous = chosen[-1] if chosen else None
    return not line.after_previous or previous is None or choice.places[-1] > previous.places[0]


def _choices(
    line: Expect, merged: Sequence[Candidate], arrived: Arrived, bindings: Bindings
) -> Iterator[_Choice]:
    """What a line could take, were it alone."""
    for outcome in line.outcomes:
        if isinstance(outcome.template, End):
            if _has_ended(outcome.template, arrived):
                yield _Choice(outcome, (len(arrived.responses),))
            continue
        #: Names that another line of the group binds first: only the search knows.
        later = references(outcome.template) - bindings.keys()
        for candidate in merged:
            response = candidate.response
            if _tag_fits(line, response, arrived) and (
                later or can_fit(outcome.template, response, bindings)
            ):
                yield _Choice(outcome, candidate.places, candidate, parts(outcome.template, response))


def _has_ended(end: End, arrived: Arrived) -> bool:
    return arrived.ended and (arrived.bye or not end.bye)


def _tag_fits(line: Expect, response: Response, arrived: Arrived) -> bool:
    """Whether a tagged response belongs to the command of a line; anything else belongs to every line."""
    tag = arrived.tags.get(line.label, line.label)
    return response.kind != "tagged" or not tag or response.tag == tag


def _met(line: Expect, choice: _Choice) -> Judged:
    return Judged(line, "ok", choice.outcome, choice.places[-1], _shown(choice.candidate))


def _unmet(n: int, line: Expect, arrived: Arrived, search: _Search) -> Judged:
    """Nothing was left that fits the n-th line: say what came instead."""
    if line.mode == "may":
        return Judged(line, "ok")
    if early := _early(n, search):
        return Judged(
            line,
            "order",
            place=early.places[-1],
            actual=_shown(early.candidate),
            difference="it arrived before what the line above expects",
        )
    if near := _nearest(line, arrived, search):
        return near
    only_end = all(isinstance(outcome.template, End) for outcome in line.outcomes)
    completion = next(
        (c for c in search.merged if c.response.kind == "tagged" and _tag_fits(line, c.response, arrived)),
        None,
    )
    if completion and ends_group(line) and not only_end:
        return Judged(
            line, _completion(completion.response), place=completion.places[-1], actual=_shown(completion)
        )
    if arrived.ended:
        return Judged(line, "closed", place=len(arrived.responses))
    if completion and only_end:
        return Judged(
            line,
            "open",
            place=completion.places[-1],
            actual=_shown(completion),
            difference="the connection stayed open",
        )
    return Judged(line, "missing", actual=_shown(completion))


def _early(n: int, search: _Search) -> _Choice | None:
    """What the n-th line, an `S>`, could have taken if it had not arrived before that of the line above."""
    above = search.best[n - 1] if n and search.lines[n].after_previous else None
    taken = [choice.places for choice in search.best if choice]
    for choice in search.choices[n] if above else ():
        free = not (choice.exclusive and choice.places in taken)
        if free and any(True for _ in solve(choice.compared, search.bound)):
            return choice
    return None


def _completion(response: Response) -> What:
    """The name of a completion; what the grammar refuses may have none of the three."""
    return _COMPLETIONS.get(response.name, "mismatch")


def _nearest(line: Expect, arrived: Arrived, search: _Search) -> Judged | None:
    """The response of an expected name that differs least."""
    best: tuple[tuple[int, bool], Candidate, Mismatch] | None = None
    for template in (outcome.template for outcome in line.outcomes):
        if isinstance(template, End):
            continue
        alike = (
            c for c in search.merged if (c.response.kind, c.response.name) == (template.kind, template.name)
        )
        for candidate in itertools.islice(alike, _NEAR):
            response = candidate.response
            found = match(template, response, search.bound) if _tag_fits(line, response, arrived) else None
            if not isinstance(found, Mismatch):
                continue
            nearness = found.depth, _code_name(template) == _code_name(response)
            if best is None or nearness > best[0]:
                best = nearness, candidate, found
    if best is None:
        return None
    _, candidate, mismatch = best
    return Judged(
        line, "mismatch", place=candidate.places[-1], actual=_shown(candidate), difference=str(mismatch)
    )


def _code_name(response: Response) -> str:
    return response.code.name if response.code else ""


def _meant(line: Expect, chosen: Sequence[_Choice], bindings: Bindings) -> frozenset[int]:
    r"""The places of the responses that an `S!` line does not forbid, because another line that asks for no less takes them.

    Whoever forbids `* LIST ${...}` and expects one of these forbids the others. What an expected response says besides is forbidden
    all the same: `* LIST ${...}` may be expected and `* LIST (\Noselect) ${...}` forbidden. `bindings` are those before the group.
    """
    forbidden = [outcome.template for outcome in line.outcomes if not isinstance(outcome.template, End)]
    return frozenset(
        place
        for choice in chosen
        if not isinstance(taking := choice.outcome.template, End) and taking.name not in SHARED
        for place in choice.places
        if any(covers(template, taking, bindings) for template in forbidden)
    )


def _forbidden(line: Expect, arrived: Arrived, bindings: Bindings, meant: frozenset[int]) -> Judged:
    """An `S!` line looks at each response by itself, those apart that another line means."""
    for outcome in line.outcomes:
        if isinstance(outcome.template, End):
            if _has_ended(outcome.template, arrived):
                return Judged(line, "unwanted", outcome, len(arrived.responses))
            continue
        for place, response in enumerate(arrived.responses):
            if place in meant or not _tag_fits(line, response, arrived):
                continue
            if can_fit(outcome.template, response, bindings):
                return Judged(line, "unwanted", outcome, place, _shown(Candidate(response, (place,))))
    return Judged(line, "ok")


def _shown(candidate: Candidate | None) -> str:
    return shorten(candidate.response.raw.decode("latin-1").removesuffix("\r\n")) if candidate else ""


def _written(outcome: Outcome) -> str:
    worth = f" -> {outcome.verdict} {outcome.words}".rstrip() if outcome.verdict else ""
    return f"{outcome.source}{worth}"


_COMPLETIONS: dict[str, What] = {"OK": "OK", "NO": "NO", "BAD": "BAD"}
