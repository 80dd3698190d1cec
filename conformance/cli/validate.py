"""`imapspec validate`: octets from a file or standard input, judged unit by unit."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.errors import NothingSelectedError, UsageError
from conformance.grammar import load
from conformance.report.visible import caret
from conformance.wire import Cutter, Limits

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

    from conformance.grammar import Kind, Problem

_WIDTH = 100  #: columns of the line that is shown
_UNBOUNDED = 2**62

#: The last line of a command announces a literal, whatever form the header has.
_HEADER = re.compile(rb"~?\{([0-9]{1,18})\+?\}\r?\n\Z")
_AUTHENTICATE = re.compile(rb"[^ ]+ AUTHENTICATE ", re.IGNORECASE)
#: A line that answers a continuation request of AUTHENTICATE, and no command: those have a space.
_ANSWER = re.compile(rb"(?:[A-Za-z0-9+/]+=*|\*)?\r\n")


@dataclass(frozen=True)
class _Refused:
    """A unit that is wrong: its number from 1, its offset in the file, its octets."""

    number: int
    offset: int
    kind: Kind
    octets: bytes
    problem: Problem


def validate(options: Namespace) -> int:
    """Say what of the input the grammar refuses, and where."""
    if options.stream and options.kind != "response":
        raise UsageError("--stream is for responses: leave --kind out.")
    octets = _read(options.file)
    if not octets:
        raise NothingSelectedError("the input is empty.")
    number, refused = 0, list[_Refused]()
    grammar, offset = load(), 0
    for number, (unit, problem) in enumerate(_cut(options.kind, octets), 1):
        kind: Kind = "greeting" if options.stream and number == 1 else options.kind
        problem = problem or grammar.explain(kind, unit)  # noqa: PLW2901
        if problem:
            refused.append(_Refused(number, offset, kind, unit, problem))
        offset += len(unit)
    if options.json:
        print(json.dumps({"units": number, "refused": [_data(r) for r in refused]}, indent=2))
    else:
        for one in refused:
            _show(options.file, one)
    units = f"{number} {'command' if options.kind == 'command' else 'response'}{'s' * (number != 1)}"
    found = f"{len(refused)} of {units} refused" if refused else f"{units}, well formed"
    print(f"imapspec: exit {int(bool(refused))} ({found})", file=sys.stderr)
    return int(bool(refused))


def _read(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read()
        with open(name, "rb") as file:  # noqa: PTH123 - a name from the command line
            return file.read()
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.") from None


def _cut(kind: Kind, octets: bytes) -> Iterator[tuple[bytes, Problem | None]]:
    """The units of the input; what is left at its end is one too."""
    if kind == "command":
        yield from ((unit, None) for unit in _commands(octets))
        return
    cutter = Cutter(Limits(*(_UNBOUNDED,) * 3, words=_UNBOUNDED))
    for unit in cutter.receive(octets):
        yield unit.octets, unit.problem
    if cutter.pending and not cutter.broken:
        yield cutter.pending, None


def _commands(octets: bytes) -> Iterator[bytes]:
    """Commands with their literals, AUTHENTICATE with the answers behind it."""
    begin = at = 0
    while at < len(octets):
        end = octets.find(b"\n", at) + 1 or len(octets)
        header = _HEADER.search(octets, max(at, end - 32), end)
        at = min(end + int(header[1]), len(octets)) if header else end
        if header and at < len(octets):
            continue
        if _AUTHENTICATE.match(octets, begin):
            while answer := _ANSWER.match(octets, at):
                at = answer.end()
        yield octets[begin:at]
        begin = at


def _show(name: str, refused: _Refused) -> None:
    problem = refused.problem
    line, column = caret(refused.octets.decode("latin-1"), problem.offset, _WIDTH)
    print(f"{name}: octet {refused.offset + problem.offset}, in {refused.kind} {refused.number}")
    print(f"    {line}\n    {' ' * column}^ {problem.message}\n")


def _data(refused: _Refused) -> dict[str, object]:
    problem = refused.problem
    return {
        "unit": refused.number,
        "kind": refused.kind,
        "offset": refused.offset + problem.offset,
        "rule": problem.rule,
        "expected": problem.expected,
        "found": problem.found,
        "message": problem.message,
        "octets": refused.octets.decode("latin-1"),
    }
