"""Units by their seed, and units without end from a random source.

Knows: which generator belongs to which grammar and environment. Must not know: how units are made.
"""

from __future__ import annotations

import functools
from random import Random
from typing import TYPE_CHECKING

from conformance.generate.choosers import Chance
from conformance.generate.environment import ANYTHING
from conformance.generate.generator import Generator
from conformance.generate.mutate import edited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.generate.environment import Environment
    from conformance.grammar import Grammar, Kind


@functools.lru_cache(maxsize=32)
def _generator(kind: Kind, grammar: Grammar | None, environment: Environment) -> Generator:
    return Generator(kind, grammar=grammar, environment=environment)


def units(
    kind: Kind, random: Random, *, grammar: Grammar | None = None, environment: Environment = ANYTHING
) -> Iterator[bytes]:
    """Units without end."""
    generator, chooser = _generator(kind, grammar, environment), Chance(random)
    while True:
        yield generator.octets(chooser)


def generate(
    kind: Kind,
    seed: int,
    mutate: bool = False,
    *,
    grammar: Grammar | None = None,
    environment: Environment = ANYTHING,
) -> bytes:
    """The unit of a seed: the same octets for the same seed, always. With `mutate`, a near-valid mutant of it.

    `grammar` is that of RFC 3501 with what the environment's capabilities open, if none is given.
    """
    random = Random(seed)  # noqa: S311 - variety, not secrecy
    generator, chooser = _generator(kind, grammar, environment), Chance(random)
    return edited(generator.unit(chooser), generator, random)[0] if mutate else generator.octets(chooser)
