"""What is to be run against what, as plain data: it travels from the controlling process to the workers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from conformance.runner.settings import Settings
from conformance.runner.setup import Probe
from conformance.servers import Target
from conformance.servers.base import Account


@dataclass(frozen=True)
class Plan:
    """Target, options and what the probe found out. `probe` is None until the controlling process has looked."""

    target: Target
    settings: Settings
    known: tuple[str, ...] = ()  #: signatures, cases and requirements expected to fail: not confirmed again
    not_run: tuple[str, ...] = ()  #: cases that the expectation file keeps from running
    probe: Probe | None = None
    command: tuple[str, ...] = ()  #: for the journal, secrets replaced
    selection: tuple[str, ...] = ()
    workers: int = 0  #: 0: cases are played in the controlling process
    worker: int = 0  #: number of this worker, from 0
    messages: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """For another process. Holds passwords: never to be written or shown."""
        return dataclasses.asdict(self)
