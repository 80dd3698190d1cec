"""What there is to walk: the rules of a grammar as nodes that write octets, each decision on the way left to a chooser.

A walk is bounded by the number of decisions and by how deep it is in rules that can contain themselves: beyond either, every decision
takes what leads to the end soonest. So it ends, whatever the chooser wants.

Knows: how each kind of node is written. Must not know: how decisions are made, what a rule stands for.
"""

# ruff: noqa: D102 - what a method of a node does is said once, in `Node`
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from conformance.errors import SuiteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Sequence as Some

#: Contexts: numbers for "below this alternative" and "below this rule". A decision is told in which one it is met.
Context = int

#: Where a repetition has no end.
MANY = 2**31

#: Of two ways to write the same, the one through fewer rules is cheaper; and none leads in a circle.
_LITTLE = 2**-10

#: After so many texts that are keywords there is no other.
_TRIES = 100

#: How keywords are written: as in the grammar file, in small letters, in both.
AS_WRITTEN, SMALL, MIXED = range(3)


class Chooser(Protocol):
    """Who decides."""

    def begin(self) -> int:
        """A walk begins; how its keywords are written."""

    def choose(self, choice: Choice, above: Context, open_: Some[int]) -> int:
        """One of the alternatives in `open_`, which are in the order of their cost."""

    def times(self, repeat: Repeat, above: Context, least: int, most: int) -> Iterable[object]:
        """As many objects as there shall be items; drawn one by one."""

    def run(self, run: Run) -> str:
        """From `run.least` to `run.most` of its units."""

    def number(self, number: Number) -> int:
        """A number from `number.least` to `number.most`."""


class Walk:
    """One walk: what it has written, piece by piece, and its bounds.

    `left` is how many decisions it may still take freely, `deepest` how deep it may go in rules. `trace` has, if wanted, for each rule
    and terminal its name and which pieces are its own; then each token is a piece of its own.
    """

    __slots__ = ("case", "choose", "deepest", "left", "number", "out", "run", "times", "trace")

    def __init__(self, chooser: Chooser, size: int, deepest: int, trace: list[Span] | None) -> None:
        self.choose, self.times, self.run, self.number = (
            chooser.choose,
            chooser.times,
            chooser.run,
            chooser.number,
        )
        self.left = size
        self.deepest = deepest
        self.out: list[str] = []
        self.trace = trace
        self.case = chooser.begin()


#: Name of a rule, a terminal, or "*" for an item of a list; its first piece; where it ends.
Span = tuple[str, int, int]
ITEM = "*"


class Node:
    """A part of the grammar. `height`: how many rules deep it goes at least; `cost`: how many octets it writes at least, and a little
    more for each rule.
    """

    __slots__ = ("cost", "height")

    def __init__(self, cost: float = 1) -> None:
        self.height: float = 0
        self.cost: float = cost

    def walk(self, walk: Walk, depth: int, above: Context) -> None:
        """Write one text that matches."""
        raise NotImplementedError

    def measure(self) -> tuple[float, float]:
        """Height and cost from those of the parts."""
        return self.height, self.cost

    def parts(self) -> Iterator[Node]:
        """The nodes of which this one consists."""
        return iter(())

    def short(self) -> Node:
        """What writes the same without a trace and without telling contexts; called once heights and costs are known."""
        return self


class Fixed(Node):
    """A text that is always the same but for the case of its letters."""

    __slots__ = ("name", "texts")

    def __init__(self, name: str, text: str) -> None:
        super().__init__(len(text))
        self.name = name
        mixed = "".join(c.lower() if n % 2 else c.upper() for n, c in enumerate(text))
        self.texts = [text, text.lower(), mixed]

    def followed_by(self, other: Fixed) -> Fixed:
        """Both in one."""
        both = Fixed(self.name, "")
        both.texts = [one + two for one, two in zip(self.texts, other.texts, strict=True)]
        return both

    def walk(self, walk: Walk, depth: int, above: Context) -> None:  # noqa: ARG002
        out = walk.out
        if walk.trace is not None:
            walk.trace.append((self.name, len(out), len(out) + 1))
        out.append(self.texts[walk.case])


class Run(Node):
    """Units one after the other: `common` are those that a reader likes to see, some of `units`."""

    __slots__ = ("common", "least", "most", "units")

    def __init__(self, units: Some[str], least: int = 1, most: int | None = 1) -> None:
        super().__init__(least * min(map(len, units)))
        self.units = tuple(dict.fromkeys(units))
        self.common = tuple(u for u in self.units if u.isascii() and u.isalnum()) or self.units
        self.least = least
        self.most = MANY if most is None else most

    def walk(self, walk: Walk, depth: int, above: Context) -> None:  # noqa: ARG002
        walk.out.append(walk.run(self))


class Number(Node):
    """A decimal number within bounds."""

    __slots__ = ("edges", "least", "most")

    def __init__(self, least: int, most: int) -> None:
        super().__init__()
        self.least = least
        self.most = most
        self.edges = tuple(
            n for n in (0, 1, 2, 10, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1, most) if least <= n <= most
        )

    def walk(self, walk: Walk, depth: int, above: Context) -> None:  # noqa: ARG002
        walk.out.append(str(walk.number(self)))


class Counted(Node):
    """A literal: octets, and before them a header that says how many."""

    __slots__ = ("after", "before", "octets")

    def __init__(self, before: Node, after: Node, octets: Run) -> None:
        super().__init__()
        self.before = before
        self.after = after
        self.octets = octets

    def walk(self, walk: Walk, depth: int, above: Context) -> None:
        octets = walk.run(self.octets)
        self.before.walk(walk, depth, above)
        walk.out.append(str(len(octets)))
        self.after.walk(walk, depth, above)
        walk.out.append(octets)

    def measure(self) -> tuple[float, float]:
        return 0, self.before.cost + 1 + self.after.cost + self.octets.cost

    def parts(self) -> Iterator[Node]:
        yield self.before
        yield self.after


class Given(Node):
    """A text that somebody else has."""

    __slots__ = ("source",)

    def __init__(self, source: Callable[[], str]) -> None:
        super().__init__()
        self.source = source

    def walk(self, walk: Walk, depth: int, above: Context) -> None:  # noqa: ARG002
        walk.out.append(self.source())


class Sequence(Node):
    """Nodes one after the other. `quick` writes the same with fewer nodes."""

    __slots__ = ("items", "quick")

    def __init__(self, items: Some[Node]) -> None:
        super().__init__()
        self.items = tuple(items)
        self.quick: tuple[Node, ...] = ()

    def walk(self, walk: Walk, depth: int, above: Context) -> None:
        for item in self.quick if walk.trace is None else self.items:
            item.walk(walk, depth, above)

    def measure(self) -> tuple[float, float]:
        return max((i.height for i in self.items), default=0), sum(i.cost for i in self.items)

    def parts(self) -> Iterator[Node]:
        return iter(self.items)

    def short(self) -> Node:
        if not self.quick:
            quick: list[Node] = []
            for item in self.items:
                short = item.short()
                for node in short.quick if isinstance(short, Sequence) else (short,):
                    before = quick[-1] if quick else None
                    if isinstance(node, Fixed) and isinstance(before, Fixed):
                        quick[-1] = before.followed_by(node)
                    else:
                        quick.append(node)
            self.quick = tuple(quick)
        return self.quick[0] if len(self.quick) == 1 else self


class Decision(Node):
    """A place where there is something to decide. `contexts` are those below its outcomes, in their order."""

    __slots__ = ("contexts", "rule")

    def __init__(self, rule: str) -> None:
        super().__init__()
        self.rule = rule
        self.contexts: tuple[Context, ...] = ()

    def below(self, outcome: int) -> Node | None:
        """What is walked after an outcome."""
        raise NotImplementedError


class Choice(Decision):
    """One of several nodes. `lots` has each alternative as often as it has alternatives itself, so that none is rare."""

    __slots__ = ("cheapest", "items", "lots", "open", "quick", "tallest")

    def __init__(self, rule: str, items: Some[Node], contexts: Iterator[Context]) -> None:
        super().__init__(rule)
        self.items = tuple(items)
        if not items:  # all were closed
            self.height = self.cost = math.inf
        self.contexts = tuple(next(contexts) for _ in self.items)
        self.open: tuple[int, ...] = ()
        self.cheapest: tuple[int, ...] = ()
        self.lots: tuple[int, ...] = ()
        self.quick: tuple[Node, ...] = ()
        self.tallest: float = 0

    def settle(self) -> None:
        """Order the alternatives, once heights and costs are known."""
        possible = [n for n, item in enumerate(self.items) if item.cost < math.inf]
        self.open = tuple(sorted(possible, key=lambda n: self.items[n].cost))
        self.cheapest = self.open[:1]
        self.lots = tuple(n for n in self.open for _ in range(_width(self.items[n])))
        self.tallest = max((self.items[n].height for n in possible), default=math.inf)

    def walk(self, walk: Walk, depth: int, above: Context) -> None:
        open_ = self.open
        walk.left -= 1
        if walk.left < 0:
            open_ = self.cheapest
        elif depth + self.tallest > walk.deepest:
            open_ = tuple(n for n in open_ if depth + self.items[n].height <= walk.deepest) or self.cheapest
        chosen = walk.choose(self, above, open_)
        (self.quick if walk.trace is None else self.items)[chosen].walk(walk, depth, self.contexts[chosen])

    def measure(self) -> tuple[float, float]:
        heights, costs = [i.height for i in self.items], [i.cost for i in self.items]
        return min(heights, default=math.inf), min(costs, default=math.inf)

    def parts(self) -> Iterator[Node]:
        return iter(self.items)

    def below(self, outcome: int) -> Node:
        return self.items[outcome]

    def short(self) -> Node:
        if not self.quick:
            self.quick = tuple(item.short() for item in self.items)
        return self


def _width(node: Node) -> int:
    """How many alternatives a node stands for at first sight."""
    while isinstance(node, RuleNode):
        node = node.body
    if isinstance(node, Choice):
        return sum(map(_width, node.items))
    items = node.items if isinstance(node, Sequence) else ()
    return max((_width(item) for item in items if isinstance(item, Choice)), default=1)


class Repeat(Decision):
    """A node from `least` to `most` times. Its outcomes: the least, one more, more than that."""

    __slots__ = ("item", "least", "most", "quick")

    def __init__(
        self, rule: str, item: Node, least: int, most: int | None, contexts: Iterator[Context]
    ) -> None:
        super().__init__(rule)
        self.item = item
        self.quick = item
        self.least = least
        self.most = MANY if most is None else most
        outcomes = min(self.most - least, 2 if least == 0 else 1) + 1
        self.contexts = tuple(next(contexts) for _ in range(outcomes))

    def walk(self, walk: Walk, depth: int, above: Context) -> None:
        full = walk.left <= 0 or depth + self.item.height > walk.deepest
        trace, contexts = walk.trace, self.contexts
        item = self.quick if trace is None else self.item
        last = len(contexts) - 1
        most = self.least if full else self.most
        outcome = -self.least
        for _ in walk.times(self, above, self.least, most):
            outcome += 1
            walk.left -= 1
            begin = len(walk.out)
            item.walk(walk, depth, contexts[min(max(outcome, 0), last)])
            if trace is not None:
                trace.append((ITEM, begin, len(walk.out)))

    def measure(self) -> tuple[float, float]:
        return (self.item.height, self.least * self.item.cost) if self.least else (0, 0)

    def parts(self) -> Iterator[Node]:
        yield self.item

    def below(self, outcome: int) -> Node | None:
        return self.item if self.least + outcome else None

    def short(self) -> Node:
        if self.quick is self.item:
            self.quick = self.item.short()
        return self


class RuleNode(Node):
    """A rule: what its definition writes. `deep` is 1 for a rule that can contain itself, which alone makes a unit deep."""

    __slots__ = ("body", "context", "deep", "name")

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.body: Node = Sequence(())
        #: 0 where the rule is itself a decision: that is then met in the context of whoever refers to the rule.
        self.context: Context = 0
        self.deep = 0

    def walk(self, walk: Walk, depth: int, above: Context) -> None:
        begin = len(walk.out)
        self.body.walk(walk, depth + self.deep, self.context or above)
        if walk.trace is not None:
            walk.trace.append((self.name, begin, len(walk.out)))

    def measure(self) -> tuple[float, float]:
        return self.body.height + self.deep, self.body.cost + _LITTLE

    def parts(self) -> Iterator[Node]:
        yield self.body

    def short(self) -> Node:
        return self if self.deep else self.body.short()


class TerminalNode(Node):
    """A terminal with a pattern: one piece, which is none of the words that would win against it."""

    __slots__ = ("body", "name", "others")

    def __init__(self, name: str, body: Node, others: frozenset[str]) -> None:
        super().__init__()
        self.name = name
        self.body = body
        self.others = others

    def walk(self, walk: Walk, depth: int, above: Context) -> None:
        out, trace = walk.out, walk.trace
        begin = len(out)
        walk.trace = None
        self.body.walk(walk, depth, above)
        walk.trace = trace
        if len(out) - begin != 1:
            out[begin:] = ["".join(out[begin:])]
        if self.others and out[begin].upper() in self.others:
            self._again(walk, depth, above)
        if trace is not None:
            trace.append((self.name, begin, begin + 1))

    def _again(self, walk: Walk, depth: int, above: Context) -> None:
        """Replace the last piece by one that is no keyword."""
        out, trace, walk.trace = walk.out, walk.trace, None
        begin = len(out) - 1
        for _ in range(_TRIES):
            del out[begin:]
            self.body.walk(walk, depth, above)
            out[begin:] = ["".join(out[begin:])]
            if out[begin].upper() not in self.others:
                walk.trace = trace
                return
        raise SuiteError(f"{self.name}: every text is a keyword, {out[begin]} among them")

    def measure(self) -> tuple[float, float]:
        return self.body.height, self.body.cost + _LITTLE

    def parts(self) -> Iterator[Node]:
        yield self.body

    def short(self) -> Node:
        self.body.short()
        return self.body if isinstance(self.body, Run | Number) and not self.others else self
