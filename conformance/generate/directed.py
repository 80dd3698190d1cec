"""Sets of units that cover the grammar: every alternative of every rule, or every pair of one and what can be met below it.

An alternative is an outcome of a decision: one of several nodes; of an optional part, absent or present; of a list, none, one, more.
For each that is not covered, a unit is made that takes the shortest route to it; elsewhere it takes what was not yet covered, or
what chance says. The same grammar gives the same set.

Knows: decisions and their contexts. Must not know: what a rule stands for.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import TYPE_CHECKING

from conformance.generate.choosers import Chance
from conformance.generate.nodes import AS_WRITTEN, Choice, Counted, Decision, RuleNode, Sequence, TerminalNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Sequence as Some

    from conformance.generate.generator import Generator
    from conformance.generate.nodes import Context, Node, Repeat

#: A decision, met in a context, and its outcome; without the context it is 0.
Step = tuple["Context", Decision, int]


class Map:
    """What can be met from where, beginning with a node."""

    def __init__(self, root: Node) -> None:
        #: For each context that can be reached, the steps on the shortest route to it.
        self._before: dict[Context, tuple[Context, Step | None]] = {0: (0, None)}
        #: All steps that there are, the nearest first.
        self.steps: list[Step] = []
        waiting: deque[tuple[Context, Node | None]] = deque([(0, root)])
        while waiting:
            context, node = waiting.popleft()
            for met in _met(node):
                if isinstance(met, RuleNode):
                    if met.context not in self._before:
                        self._before[met.context] = (context, None)
                        waiting.append((met.context, met.body))
                    continue
                for outcome in _outcomes(met):
                    step = (context, met, outcome)
                    self.steps.append(step)
                    below = met.contexts[outcome]
                    if below not in self._before:
                        self._before[below] = (context, step)
                        waiting.append((below, met.below(outcome)))

    def route(self, step: Step) -> list[Step]:
        """The steps from the root to a step, itself included; the last one first."""
        steps, context = [step], step[0]
        while context:
            context, before = self._before[context]
            if before is not None:
                steps.append(before)
        return steps


def _met(node: Node | None) -> Iterator[Decision | RuleNode]:
    """What is met first below a node: decisions, and rules that are a context of their own. Each once."""
    found: dict[int, Decision | RuleNode] = {}
    waiting = [node]
    while waiting:
        match waiting.pop():
            case Decision() as decision:
                found.setdefault(id(decision), decision)
            case RuleNode(context=context) as rule if context:
                found.setdefault(id(rule), rule)
            case RuleNode() | Sequence() | TerminalNode() | Counted() as outer:
                waiting.extend(reversed(list(outer.parts())))
    yield from found.values()


def _outcomes(decision: Decision) -> Iterable[int]:
    return sorted(decision.open) if isinstance(decision, Choice) else range(len(decision.contexts))


class Directed(Chance):
    """Takes a route, and notes what was covered."""

    def __init__(self, random: Random, *, pairs: bool) -> None:
        super().__init__(random)
        self.covered: set[Step] = set()
        self.route: list[Step] = []
        self._pairs = pairs

    def key(self, step: Step) -> Step:
        """What of a step counts."""
        return step if self._pairs else (0, step[1], step[2])

    def begin(self) -> int:
        """Keywords in one case: that is no alternative."""
        return AS_WRITTEN

    def _take(self, decision: Decision, above: Context, open_: Some[int]) -> int:
        if self.route and self.route[-1][:2] == (above, decision):
            outcome = self.route.pop()[2]
        else:
            new = [n for n in open_ if self.key((above, decision, n)) not in self.covered]
            outcome = (new or open_)[int(self._random() * len(new or open_))]
        self.covered.add(self.key((above, decision, outcome)))
        return outcome

    def choose(self, choice: Choice, above: Context, open_: Some[int]) -> int:
        """As the route says, or what is new, or any."""
        return self._take(choice, above, open_)

    def times(self, repeat: Repeat, above: Context, least: int, most: int) -> Iterable[object]:
        """As the route says, or what is new, or any: none, one, two."""
        return range(least + self._take(repeat, above, range(min(most - least + 1, len(repeat.contexts)))))


def directed(generator: Generator, *, pairs: bool = False) -> tuple[list[bytes], int]:
    """Units that cover every alternative, or every pair; and how many there are to be covered."""
    ways = Map(generator.root)
    chooser = Directed(Random(0), pairs=pairs)  # noqa: S311 - variety, not secrecy
    goals = dict.fromkeys(map(chooser.key, ways.steps))
    found = []
    for step in ways.steps:
        if chooser.key(step) not in chooser.covered:
            chooser.route = ways.route(step)
            found.append(generator.unit(chooser).octets)
    return found, len(goals)
