"""Whatever a server does that the RFC allows, the verdicts stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from behind import installed
from between import Rewriter
from unusual import UNUSUAL
from unusual_runs import ROWS, TOGETHER, Verdict, Whole, cases, differences, verdicts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from between import Connection, Out, Reply

    from conformance.journal import Result


_ALSO = ("6.3.7-unsubscribe/keeps-the-mailbox", "6.3.8-list/inbox-by-wildcards")
#: Not settled yet: headers-7-bit names the first item that has 8-bit octets, and so tells the order of the items.
_OPEN = frozenset({"4.3.1-binary/nul-is-never-sent"})
#: So rare that they need the whole sample.
_RARE = "delays"


def _sample() -> list[str]:
    """The middle case of each section, and what else some rewriting needs."""
    sections: dict[str, list[str]] = {}
    for case in cases():
        if case in _OPEN:
            continue
        sections.setdefault(case.partition("/")[0], []).append(case)
    return [*dict.fromkeys([*(known[len(known) // 2] for known in sections.values()), *_ALSO])]


#: Of the cases in which a single rewriting changes something it is tried with about so many; many at once with the whole sample.
FEW = 8


class Dry(Rewriter):
    """Changes nothing, and notes which rewritings would."""

    def __init__(self) -> None:
        self.rewriters = {name: row.rewriter(1) for name, row in UNUSUAL.items()}
        self.would: set[str] = set()

    def reply(self, reply: Reply) -> Iterable[Out]:
        self.would |= {name for name, one in self.rewriters.items() if [*one.reply(reply)] != [reply.octets]}
        return [reply.octets]

    def segments(self, octets: bytes, connection: Connection, *, to_client: bool) -> Iterable[bytes | float]:
        self.would |= {
            name
            for name, one in self.rewriters.items()
            if [*one.segments(octets, connection, to_client=to_client)] != [octets]
        }
        return [octets]


class Known:
    """A server, and what the suite says of it when nothing is rewritten."""

    def __init__(self, server: Whole) -> None:
        self.server = server
        self.verdicts: dict[str, dict[Verdict, Result]] = {}
        self.would: dict[str, set[str]] = {}
        for case in _sample():
            dry = Dry()
            self.verdicts[case] = verdicts(server.play([case], dry))
            self.would[case] = dry.would

    def cases(self, name: str) -> list[str]:
        if name in TOGETHER or name == _RARE:
            return [*self.verdicts]
        fitting = [case for case, names in self.would.items() if name in names]
        return fitting[:: len(fitting) // FEW + 1]


@pytest.fixture(scope="module")
def known() -> Iterator[Known]:
    with Whole(installed()) as server:
        yield Known(server)


@pytest.mark.parametrize("name", ROWS)
def test_no_verdict_changes(name: str, known: Known) -> None:
    chosen = known.cases(name)
    assert chosen, "nothing is rewritten"
    before = {verdict: result for case in chosen for verdict, result in known.verdicts[case].items()}
    after = verdicts(known.server.play(chosen, ROWS[name].rewriter(1)))
    assert "\n".join(differences(ROWS[name], before, after)) == ""
