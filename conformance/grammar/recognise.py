"""Whether octets are one well-formed unit: a pattern says "yes" quickly, the automaton decides on everything else.

The pattern (conformance/grammar/pattern.py) is matched by google-re2, whose time is linear in the input and whose memory is bounded.
It matches nothing that the automaton refuses, so the verdict is the automaton's in any case; without google-re2, or for a grammar that
it cannot take, the automaton decides alone. The pattern takes as long to compile as the automaton takes for thousands of units: it is
made once that many octets were read.

Knows: the automaton, the pattern, how literals are cut out. Must not know: what a rule stands for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from conformance.grammar.automaton import Stop, number
from conformance.grammar.definitions import definitions
from conformance.grammar.pattern import CUT, pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.grammar.automaton import Automaton

#: Octets that the automaton reads before a pattern is worth its compilation.
PATIENCE = 600_000
#: Of what RE2 may use for one pattern, octets; it starts anew when its table of states is full.
_MEMORY = 64 << 20
_HEADER = re.compile(rb"\{([0-9]+)\+?\}\r\n")
_CUT = CUT.encode()
_BRACE = b"{"[0]  #: as a number: to look for it takes a tenth of the time


class Recogniser:
    """Recognises units as one entry rule of an automaton; `files` are the fragments from which that was composed."""

    def __init__(
        self, automaton: Automaton, rule: str, files: tuple[str, ...], patience: int = PATIENCE
    ) -> None:
        self._automaton, self._rule, self._files = automaton, rule, files
        self._patience = patience
        self._match: Callable[[bytes], object] | None = None

    def accepts(self, octets: bytes) -> bool:
        """Whether the octets are one whole, well-formed unit."""
        match = self._match
        if match:
            if match(cut(octets) if _BRACE in octets else octets):
                return True
        elif self._patience >= 0:
            self._patience -= len(octets)
            if self._patience < 0:
                self._match = compiled(self._automaton, self._rule, self._files)
        return not isinstance(self._automaton.run(self._rule, octets.decode("latin-1"), build=False), Stop)


def cut(octets: bytes) -> bytes:
    """The octets without those of their literals, each header with `CUT` for CRLF; nothing if they hold NUL, which `CUT` is.

    What looks like a header stays as it is where fewer octets follow than it announces.
    """
    if _CUT[0] in octets:
        return b""
    parts: list[bytes] = []
    place = begin = 0
    while header := _HEADER.search(octets, begin):
        begin = header.end()
        stop = begin + number(header[1].decode())
        if stop < len(octets):
            parts += octets[place : begin - 2], _CUT
            place = begin = stop
    parts.append(octets[place:])
    return b"".join(parts)


def compiled(automaton: Automaton, rule: str, files: tuple[str, ...]) -> Callable[[bytes], object] | None:
    """What matches the pattern of an entry rule against a unit that was cut; None where RE2 is missing or gives up."""
    try:
        import re2  # noqa: PLC0415 - only who recognises many units pays for it
    except ImportError:  # no wheel for this platform, or not asked for
        return None
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    # A set of one pattern: its match is one call that makes no match object.
    found = re2.Set.FullMatchSet(options)
    try:
        found.Add(pattern(definitions(files), automaton, rule).encode("latin-1"))
        found.Compile()
    except re2.error:
        return None
    match: Callable[[bytes], object] = found.Match
    return match
