"""The published judgements are expectation files of today's cases and requirements, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance import catalogue, expectations, resources
from conformance.scenario.load import find
from conformance.servers import LAUNCHERS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("path", sorted(resources.JUDGEMENTS.glob("*.toml")), ids=lambda p: p.stem)
def test_a_file_of_judgements_is_valid_and_says_whose_fault_each_result_is(path: Path) -> None:
    known = expectations.read(path, find(), catalogue.load())
    for entry in known.entries:
        assert entry.reason.startswith(("Server", "Open")), entry.id


#: Judged where they were started by hand, behind an address.
BY_ADDRESS = {"courier", "cyrus"}


def test_every_throw_away_server_has_its_judgements() -> None:
    assert {path.stem for path in resources.JUDGEMENTS.glob("*.toml")} == set(LAUNCHERS) | BY_ADDRESS
