"""How fast the grammar is, as ratios to other people's parsers, and whether time grows with the length of hostile input alone.

Run by `make bench`. All engines read the same responses in turn, round after round, so that what else the machine does hits all of
them: a ratio is taken within a round, and the lowest and the median of the rounds are printed. Peers that are not installed are left out.
The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import functools
import random
import statistics
import sys
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.grammar import Refused, load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: Reads one unit, in whatever form an engine wants it.
    Read = Callable[[Any], object]

RESPONSES = 3_000
#: Peers that take longer than all the others together read every n-th response.
STRIDE = 50
#: Seconds that a turn of an engine takes at least, so that it can be measured.
TURN = 0.1

# ---- the mix ------------------------------------------------------------------------------------------------------------

FLAGS = (
    r"\Seen",
    r"\Answered",
    r"\Flagged",
    r"\Deleted",
    r"\Draft",
    r"\Recent",
    "$Forwarded",
    "$Junk",
    "work",
)
NAMES = ("Ada Lovelace", "Grace Hopper", "Alan Turing", r"Kurt \"K\" Friedrich", "=?utf-8?q?J=C3=BCrgen?=")
WORDS = ("report", "meeting", "grammar", "re:", "octets", "weekly", "invoice", "[list]", "fwd:", "draft")


def text(rng: random.Random, least: int, most: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(least, most)))


def literal(octets: str) -> str:
    return f"{{{len(octets)}}}\r\n{octets}"


def date(rng: random.Random) -> str:
    return f"Mon, {rng.randint(1, 28)} Feb 2011 {rng.randint(10, 23)}:{rng.randint(10, 59)}:07 +0100"


def identifier(rng: random.Random) -> str:
    return f'"<{rng.randrange(1 << 40):x}.{rng.randrange(1 << 30):x}@mail.example.org>"'


def addresses(rng: random.Random, most: int) -> str:
    found = (
        f'("{rng.choice(NAMES)}" NIL "user{rng.randrange(99)}" "example.org")'
        for _ in range(rng.randint(0, most))
    )
    return f"({all_})" if (all_ := "".join(found)) else "NIL"


def flags(rng: random.Random) -> str:
    found = " ".join(rng.sample(FLAGS, rng.randint(0, 3)))
    uid = f" UID {rng.randint(1, 1 << 31)}" if rng.random() < 0.5 else ""
    return f"FETCH (FLAGS ({found}){uid})"


def envelope(rng: random.Random) -> str:
    sender = f'(("{rng.choice(NAMES)}" NIL "user{rng.randrange(99)}" "example.org"))'
    reply = identifier(rng) if rng.random() < 0.5 else "NIL"
    return (
        f'("{date(rng)}" "{text(rng, 2, 9)}" {sender} {sender} {sender} {addresses(rng, 4)} {addresses(rng, 3)} NIL'
        f" {reply} {identifier(rng)})"
    )


def body(rng: random.Random, depth: int, extended: bool) -> str:
    kind = rng.random()
    size = rng.randint(10, 1 << 20)
    if depth and kind < 0.5:
        parts = "".join(body(rng, depth - 1, extended) for _ in range(rng.randint(2, 3)))
        more = f' ("BOUNDARY" "=_{rng.randrange(1 << 40):x}") NIL NIL NIL' if extended else ""
        return f'({parts} "{rng.choice(("MIXED", "ALTERNATIVE", "RELATED"))}"{more})'
    if depth and kind < 0.6:
        inside = body(rng, depth - 1, extended)
        more = " NIL NIL NIL NIL" if extended else ""
        return f'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" {size} {envelope(rng)} {inside} {size // 60}{more})'
    if kind < 0.85:
        more = " NIL NIL NIL NIL" if extended else ""
        subtype, charset = rng.choice(("PLAIN", "HTML")), rng.choice(("UTF-8", "US-ASCII"))
        encoding = rng.choice(("7BIT", "QUOTED-PRINTABLE"))
        return f'("TEXT" "{subtype}" ("CHARSET" "{charset}") NIL NIL "{encoding}" {size} {size // 60}{more})'
    name = f"{text(rng, 1, 2).replace(' ', '-')}.pdf"
    more = f' NIL ("ATTACHMENT" ("FILENAME" "{name}")) NIL NIL' if extended else ""
    return f'("APPLICATION" "PDF" ("NAME" "{name}") NIL NIL "BASE64" {size}{more})'


def structure(rng: random.Random) -> str:
    extended = rng.random() < 0.5
    return f"FETCH ({'BODYSTRUCTURE' if extended else 'BODY'} {body(rng, 2, extended)})"


def with_literal(rng: random.Random) -> str:
    head = "".join(f"{name}: {text(rng, 3, 9)}\r\n" for name in ("Subject", "X-One", "X-Two"))
    content = "".join(f"{text(rng, 5, 10)}\r\n" for _ in range(rng.randint(1, 20)))
    return rng.choice(
        (
            f"FETCH (BODY[HEADER.FIELDS (SUBJECT X-ONE X-TWO)] {literal(head)} UID {rng.randint(1, 9999)})",
            f"FETCH (RFC822.SIZE {len(content)} BODY[] {literal(content)})",
            f"FETCH (BODY[1.2]<0> {literal(content)} FLAGS (\\Seen))",
        )
    )


def mix() -> list[bytes]:
    """What servers send most: 70 % short FETCH FLAGS, 10 % ENVELOPE, 10 % BODY or BODYSTRUCTURE, 10 % others with literals."""
    rng = random.Random(3501)  # noqa: S311 - always the same
    kinds = [flags] * 7 + [lambda r: f"FETCH (ENVELOPE {envelope(r)})", structure, with_literal]
    lines = [f"* {rng.randint(1, 99999)} {kinds[n % 10](rng)}\r\n" for n in range(RESPONSES)]
    rng.shuffle(lines)
    return [line.encode("ascii") for line in lines]


# ---- hostile input ------------------------------------------------------------------------------------------------------

BASIC = '("APPLICATION" "X" NIL NIL NIL "7BIT" 1'
FAMILIES: dict[str, Callable[[int], str]] = {
    "flags": lambda n: f"* FLAGS ({' '.join(['work'] * n)})\r\n",
    "flags without an end": lambda n: "* 1 FETCH (FLAGS (" + r"\Seen " * n,
    "flags, wrong at the end": lambda n: "* FLAGS (" + r"\Seen " * n + "\\Recent)\r\n",
    "addresses without an end": lambda n: '* 1 FETCH (ENVELOPE ("" "" (' + "(NIL NIL NIL NIL)" * n,
    "search numbers": lambda n: "* SEARCH" + " 12345" * n + "\r\n",
    "section parts": lambda n: "* 1 FETCH (BODY[1" + ".1" * n + "] NIL)\r\n",
    "header names without an end": lambda n: "* 1 FETCH (BODY[HEADER.FIELDS (A" + " B" * n,
    "body parts, wrong at the end": lambda n: "* 1 FETCH (BODY (" + (BASIC + ")") * n + " MIXED))\r\n",
    "nested parts": lambda n: "* 1 FETCH (BODY " + "(" * n + BASIC + ")" + ' "MIXED")' * n + ")\r\n",
    "nested parts without an end": lambda n: "* 1 FETCH (BODY " + "(" * n,
    "nested extensions": lambda n: f"* 1 FETCH (BODY {BASIC} NIL NIL NIL NIL {'(' * n}1{')' * n}))\r\n",
    "nested messages without an end": lambda n: (
        "* 1 FETCH (BODY " + f'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 1 ({"NIL " * 9}NIL) ' * n
    ),
    "long atom": lambda n: "* LIST () NIL " + "a" * n * 10 + "\r\n",
    "long atom, wrong at the end": lambda n: "* LIST () NIL " + "a" * n * 10 + "{\r\n",
    "long number": lambda n: "* " + "1" * n * 10 + " EXISTS\r\n",
    "long text": lambda n: "* OK [X " + "y [" * n + "] " + "z] " * n + "\r\n",
    "quoted pairs without an end": lambda n: '* 1 FETCH (RFC822 "' + r"\\" * n * 10,
    "literals": lambda n: "* 1 FETCH (" + " ".join(["RFC822 {2}\r\n{}"] * n) + ")\r\n",
    "literals without an end": lambda n: "* 1 FETCH (" + "RFC822 {2}\r\n{} " * n,
    "long literal": lambda n: f"* 1 FETCH (RFC822 {literal('x' * n * 100)})\r\n",
    "headers in text": lambda n: "* OK " + "{1}" * n + "\r\n",
    "headers and nothing else": lambda n: "{1}\r\n" * n,
}
SMALL, LARGE, GROWTH = 2_000, 20_000, 15

# ---- engines ------------------------------------------------------------------------------------------------------------


class Engine(NamedTuple):
    name: str
    read: Read
    units: Sequence[Any]
    responses: int  #: that the units stand for


def peers(units: list[bytes]) -> list[Engine]:
    """The peers that are installed. Framing is not counted: a peer that wants it done gets it done."""
    found = []
    try:
        from imap_codec import ResponseCodec
    except ImportError:
        print("imap-codec is not installed")
    else:
        found.append(Engine("imap-codec", ResponseCodec.decode, units, len(units)))
    try:
        from imapclient.response_parser import parse_fetch_response
    except ImportError:
        print("IMAPClient is not installed")
    else:
        found.append(Engine("IMAPClient", parse_fetch_response, [framed(unit) for unit in units], len(units)))
    try:
        from abnf.grammars import rfc9051
    except ImportError:
        print("abnf is not installed")
    else:
        rule = rfc9051.Rule("response-data")
        some = [unit.decode("ascii") for unit in units[::STRIDE]]
        found.append(Engine("abnf", rule.parse_all, some, len(some)))
    return found


def framed(unit: bytes) -> list[object]:
    """What imaplib makes of an untagged FETCH: lines, those that end with a literal as pairs with its octets."""
    parts: list[object] = []
    rest = unit[2:].replace(b" FETCH ", b" ", 1).removesuffix(b"\r\n")
    while (end := rest.find(b"}\r\n")) >= 0:
        begin, size = end + 3, int(rest[rest.rindex(b"{", 0, end) + 1 : end])
        parts.append((rest[: begin - 2], rest[begin : begin + size]))
        rest = rest[begin + size :]
    return [*parts, rest]


def timed(read: Read, units: Sequence[Any]) -> float:
    """Seconds of this process."""
    begin = time.process_time()
    for unit in units:
        read(unit)
    return time.process_time() - begin


# ---- report -------------------------------------------------------------------------------------------------------------

#: Engine, peer, the least ratio of their speeds.
GOALS = (("recognise", "imap-codec", 1.0), ("recognise", "IMAPClient", 15.0), ("parse", "IMAPClient", 0.25))


def speeds(engines: list[Engine], seconds: float) -> list[dict[str, float]]:
    """Responses per second of each engine, in each round. Quick engines read everything several times a round."""
    times = {e.name: max(1, round(TURN / timed(e.read, e.units))) for e in engines}
    rounds: list[dict[str, float]] = []
    end = time.monotonic() + seconds
    while len(rounds) < 3 or time.monotonic() < end:
        taken = {e.name: sum(timed(e.read, e.units) for _ in range(times[e.name])) for e in engines}
        rounds.append({e.name: e.responses * times[e.name] / taken[e.name] for e in engines})
    return rounds


def compare(engines: list[Engine], seconds: float) -> bool:
    """Print how fast each of our engines is, compared with each peer; whether all goals are met."""
    rounds = speeds(engines, seconds)
    print(f"\nSpeed on {RESPONSES:,} responses, {len(rounds)} rounds: ratio to a peer, lowest and median\n")
    ours = ("recognise", "explain", "parse")
    goals = {(engine, peer): least for engine, peer, least in GOALS}
    met = True
    for engine in ours:
        for peer in [e.name for e in engines if e.name not in ours]:
            ratios = [found[engine] / found[peer] for found in rounds]
            middle, goal = statistics.median(ratios), goals.get((engine, peer))
            verdict = "" if goal is None else f"  goal {goal:g}: {'met' if middle >= goal else 'MISSED'}"
            print(f"  {engine:<10} / {peer:<11}{min(ratios):9.2f}{middle:9.2f}{verdict}")
            met &= goal is None or middle >= goal
    return met


def growth(read: Read, family: Callable[[int], str]) -> float:
    """How much longer the large input of a family takes than the small one."""
    small, large = (family(n).encode("latin-1") for n in (SMALL, LARGE))
    times = [(timed(read, [small] * 10) / 10, timed(read, [large])) for _ in range(5)]
    return min(time for _, time in times) / min(time for time, _ in times)


def worst(read: dict[str, Read]) -> bool:
    """Print how the time of hostile input grows with its length; whether it is linear."""
    print(f"\nTime at {LARGE:,} by time at {SMALL:,}, goal {GROWTH}\n")
    met = True
    for name, family in FAMILIES.items():
        found = {engine: growth(reader, family) for engine, reader in read.items()}
        met &= max(found.values()) <= GROWTH
        print(f"  {name:<31}", *(f"{engine} {ratio:5.1f}  " for engine, ratio in found.items()))
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20, help="how long to compare speeds (20)")
    seconds: float = parser.parse_args().seconds
    units, grammar = mix(), load()
    for name in ("lark", "google-re2", "imap-codec", "imapclient", "abnf"):
        try:
            print(f"{name} {metadata.version(name)}", end="; ")
        except metadata.PackageNotFoundError:
            print(f"no {name}", end="; ")
    print(f"Python {sys.version.split()[0]}; {sum(map(len, units)):,} octets")

    recognise = functools.partial(grammar.recognise, "response")
    explain = functools.partial(grammar.explain, "response")

    def parse(octets: bytes) -> object:
        try:
            return grammar.parse("response", octets)
        except Refused as refused:
            return refused

    ours = [
        Engine(name, read, units, len(units))
        for name, read in (("recognise", recognise), ("explain", explain), ("parse", parse))
    ]
    for unit in units * 2:  # the second time the pattern is there
        if not recognise(unit):
            raise SystemExit(f"the mix is wrong: {unit!r}")
    met = compare(ours + peers(units), seconds)
    return 0 if worst({"recognise": recognise, "parse": parse}) and met else 1


if __name__ == "__main__":
    sys.exit(main())
