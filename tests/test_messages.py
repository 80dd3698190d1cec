"""The messages are on the wire as they are in the files, and their list is complete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from conformance import resources

if TYPE_CHECKING:
    from pathlib import Path

MESSAGES = sorted(resources.MESSAGES.glob("*.eml"))
#: What is about line ends itself.
OTHER_BREAKS = {"hostile-bare-lf", "hostile-body-bare-cr", "hostile-mixed-line-ends"}


def test_the_list_names_every_message_and_no_other() -> None:
    listed = re.findall(r"^\| `(.+)` \|", (resources.MESSAGES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == [path.name for path in MESSAGES]


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_a_message_is_small_and_its_lines_end_in_cr_lf(path: Path) -> None:
    octets = path.read_bytes()
    assert len(octets) < 4000
    breaks = octets.count(b"\r\n")
    assert (octets.count(b"\r") == octets.count(b"\n") == breaks) == (path.stem not in OTHER_BREAKS)
