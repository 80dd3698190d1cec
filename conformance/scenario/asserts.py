"""Assertions: comparisons of what holes were bound to.

Knows: relations and how a word compares with a value. Must not know: where the values came from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.response import Atom, List, Nil
from conformance.scenario import holes
from conformance.scenario.values import equal, same_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.response import Value
    from conformance.scenario.holes import Bindings
    from conformance.scenario.syntax import Assert, Claim, Operand, Relation


def evaluate(assertion: Assert, bindings: Bindings) -> Claim | str:
    """The first claim that holds, otherwise a sentence with the values of each that does not."""
    wrong: list[str] = []
    for claim in assertion.claims:
        sentence = _refutation(claim, bindings)
        if sentence is None:
            return claim
        wrong.append(sentence)
    return ", and ".join(dict.fromkeys(wrong))


def _refutation(claim: Claim, bindings: Bindings) -> str | None:
    """None if every neighbouring pair holds, otherwise a sentence with the values of the first that does not."""
    try:
        values = [_value(operand, bindings) for operand in claim.operands]
        for one, relation, other in zip(values, claim.relations, values[1:], strict=False):
            left, right = _comparable(one, other)
            if not _RELATIONS[relation](left, right):
                return f"{holes.describe(left)} {relation} {holes.describe(right)} does not hold"
    except KeyError as unbound:
        return f"${{{unbound.args[0]}}} was never bound: the line that would have bound it did not arrive"
    except holes.MisfitError as misfit:
        return str(misfit)
    return None


def _value(operand: Operand, bindings: Bindings) -> Value:
    if operand.hole is not None:
        return holes.access(bindings[operand.hole], operand.accessor)
    word = holes.render(operand.word or "", bindings)
    return Nil() if word == b"NIL" else Atom(word.decode("latin-1"))


def _comparable(one: Value, other: Value) -> tuple[Value, Value]:
    """Both as points in time if one of them is."""
    if isinstance(one, holes.Instant) or isinstance(other, holes.Instant):
        return holes.Instant.of(one), holes.Instant.of(other)
    return one, other


def _number(value: Value) -> float:
    if isinstance(value, holes.Instant):
        return value.moment.timestamp()
    text = holes.octets(value)
    if isinstance(value, List | Nil) or not text.isdigit():
        raise holes.MisfitError(f"{holes.describe(value)} is no number")
    return int(text)


def _list(value: Value) -> List:
    if not isinstance(value, List):
        raise holes.MisfitError(f"{holes.describe(value)} is no list")
    return value


def _in(left: Value, right: Value) -> bool:
    return any(equal(left, value) for value in _list(right).values)


_RELATIONS: dict[Relation, Callable[[Value, Value], bool]] = {
    "<": lambda left, right: _number(left) < _number(right),
    "<=": lambda left, right: _number(left) <= _number(right),
    ">": lambda left, right: _number(left) > _number(right),
    ">=": lambda left, right: _number(left) >= _number(right),
    "=": equal,
    "!=": lambda left, right: not equal(left, right),
    "in": _in,
    "not in": lambda left, right: not _in(left, right),
    "same set": lambda left, right: same_set(_list(left), _list(right)),
}
