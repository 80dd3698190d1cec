"""One connection of a scenario being played: its client, the lines that wait for answers, and what lines have claimed so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.response import Response
from conformance.scenario.group import Arrived, match_group
from conformance.scenario.syntax import End

if TYPE_CHECKING:
    from conformance.runner.client import Client, Waited
    from conformance.scenario.group import GroupOutcome, Judged
    from conformance.scenario.holes import Bindings
    from conformance.scenario.syntax import Expect


@dataclass
class Lane:
    """`start` is where the present group's responses begin among those the client has seen."""

    client: Client
    tags: dict[str, str] = field(default_factory=dict)  #: label -> tag; "" is the latest command
    sent_at: dict[str, int] = field(default_factory=dict)  #: tag -> number of responses seen when it was sent
    open: list[Expect] = field(default_factory=list)  #: lines read, not judged yet
    open_since: int = 0
    window: int = 0  #: where the next group begins: where the latest ended, or where a command was sent
    claimed: set[int] = field(default_factory=set)  #: responses that a line has taken
    news_since: int = 0  #: where the window of `poll` begins
    listens: bool = False  #: what the server says on its own was read, and lines about it may follow
    end_accepted: bool = False  #: the server's closing was an accepted outcome

    def restart(self) -> None:
        """A new connection took the old one's place."""
        self.tags, self.sent_at, self.open, self.claimed = {}, {}, [], set()
        self.open_since = self.news_since = self.window = len(self.client.seen)
        self.listens = self.end_accepted = False

    def sent(self, label: str, tag: str) -> None:
        """A command went out. What it may select makes older news stale."""
        self.tags[label] = self.tags[""] = tag
        self.sent_at[tag] = self.window = len(self.client.seen)

    def sent_raw(self) -> None:
        """Octets went out; a tag in them may be named by a line."""
        self.tags.pop("", None)
        self.sent_at[""] = self.window = len(self.client.seen)

    def expect(self, line: Expect) -> None:
        """A line that waits for the rest of its group."""
        if not self.open:
            self.open_since = self.window
        self.open.append(line)

    def tag_of(self, line: Expect) -> str:
        """The tag that a line is about; "" if it can be any."""
        return self.tags.get(line.label, line.label)

    def wait_for(self, line: Expect) -> Waited:
        """Read until a line that ends its group is decided, the connection ends, or the deadline passes."""
        start = self._start(line)
        tag = self.tag_of(line)
        kinds = {o.template.kind for o in line.outcomes if isinstance(o.template, Response)}
        only_end = all(isinstance(outcome.template, End) for outcome in line.outcomes)

        looked_at = start

        def decided() -> bool:
            nonlocal looked_at
            if only_end:
                return False
            for n, r in self._responses(looked_at):
                if (r.kind == "tagged" and (not tag or r.tag == tag)) or (
                    r.kind == "continuation" and "continuation" in kinds and n not in self.claimed
                ):
                    return True
                looked_at = n + 1
            return False

        return self.client.wait(decided, line=line.line)

    def judge(self, last: Expect, bindings: Bindings) -> GroupOutcome:
        """Judge a line that ends its group, and with it every open line of its command and every open `S!`."""
        tag = self.tag_of(last)
        mine = [o for o in self.open if o.mode == "must-not" or not o.label or self.tag_of(o) == tag]
        start = min([self._start(last), *([self.open_since] if mine else [])])
        self.open = [o for o in self.open if o not in mine]
        outcome = self._judge([*mine, last], start, bindings)
        place = outcome.lines[-1].place
        ended = place is not None and place < len(self._places)
        self.window = self._places[place or 0] + 1 if ended else len(self.client.seen)
        return outcome

    def judge_open(self, bindings: Bindings) -> GroupOutcome:
        """Judge open lines that no completion ends: wait until all are met, or the deadline."""
        lines = list(self.open)
        start = min(self.open_since, self.sent_at.get("", self.open_since))
        if any(line.mode == "must" for line in lines):
            self.client.wait(lambda: match_group(lines, self._arrived(start)[0], bindings).ok)
        self.open = []
        self.window = len(self.client.seen)
        return self._judge(lines, start, bindings)

    def news(self, line: Expect, bindings: Bindings) -> GroupOutcome:
        """Judge what a `poll` waits for, against everything unclaimed since the window began."""
        self.window = len(self.client.seen)
        return self._judge([line], self.news_since, bindings, unclaimed=True)

    def step_of(self, judged: Judged) -> int:
        """The journal step that decides a line (places are numbered within the latest judgement)."""
        if judged.place is None:
            return 0
        if judged.place >= len(self._places):
            return self.client.end_step
        return self.client.seen[self._places[judged.place]].step

    def _start(self, line: Expect) -> int:
        tag = self.tag_of(line)
        return self.sent_at.get(
            tag, self.sent_at.get("", 0 if not self.sent_at else min(self.sent_at.values()))
        )

    def _responses(self, start: int) -> list[tuple[int, Response]]:
        return [(n, seen.response) for n, seen in enumerate(self.client.seen[start:], start)]

    def _arrived(self, start: int, *, unclaimed: bool = False) -> tuple[Arrived, list[int]]:
        pairs = [(n, r) for n, r in self._responses(start) if not (unclaimed and n in self.claimed)]
        arrived = Arrived([r for _, r in pairs], self.client.was_ended, self.tags)
        return arrived, [n for n, _ in pairs]

    def _judge(
        self, lines: list[Expect], start: int, bindings: Bindings, *, unclaimed: bool = False
    ) -> GroupOutcome:
        arrived, self._places = self._arrived(start, unclaimed=unclaimed)
        outcome = match_group(lines, arrived, bindings)
        self.claimed |= {self._places[place] for place in outcome.taken if place < len(self._places)}
        if any(j.what == "ok" and j.outcome and isinstance(j.outcome.template, End) for j in outcome.lines):
            self.end_accepted = True
        return outcome

    _places: list[int] = field(default_factory=list)
