"""The requirements: what an RFC demands of a server, in our own words, with section and level.

A folder for each RFC, a TOML file for each of its chapters, a table for each requirement, its key `SECTION/SLUG`:

    ["6.3.1/failed-select-deselects"]
    level = "MUST"
    text = "When SELECT fails, the mailbox that was selected before is no longer selected."
    cause = "The old mailbox is kept until the new one was opened."

The id is `rfcNNNN/SECTION/SLUG`, section and link follow from it. What no client can ask of a server has `untestable = "why"`.
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from typing import get_args

from conformance import resources
from conformance.errors import SuiteError
from conformance.journal import Level


def natural(name: str) -> list[tuple[int, str]]:
    """Sort key by which 6.3.2 stands before 6.3.10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


@dataclass(frozen=True)
class Requirement:
    """One testable demand of an RFC on a server."""

    id: str
    level: Level
    text: str  #: what the server has to do, in our words
    cause: str = ""  #: typical cause when it fails, "" if none is known
    untestable: str = ""  #: why a client can not ask it of a server, "" for what is asked

    @property
    def rfc(self) -> str:
        """For example `rfc3501`."""
        return self.id.split("/")[0]

    @property
    def section(self) -> str:
        """For example `6.3.1`."""
        return self.id.split("/")[1]

    @property
    def link(self) -> str:
        """The section on the RFC editor's site."""
        anchor = f"appendix-{self.section}" if self.section[0].isalpha() else f"section-{self.section}"
        return f"https://www.rfc-editor.org/rfc/{self.rfc}#{anchor}"

    @property
    def citation(self) -> str:
        """For example `RFC 3501 section 6.3.1`."""
        return f"RFC {self.rfc.removeprefix('rfc')} section {self.section}"


@functools.cache
def load() -> dict[str, Requirement]:
    """All requirements by id, in the order of their sections.

    Raises `SuiteError` for a file that breaks the form above: the catalogue is ours.
    """
    found: dict[str, Requirement] = {}
    for path in sorted(resources.CATALOGUE.glob("rfc*/[0-9]*.toml"), key=lambda path: natural(f"{path}")):
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SuiteError(f"{path.name}: {error}") from None
        for key, fields in tables.items():
            if key.count("/") != 1 or fields.get("level") not in get_args(Level) or not fields.get("text"):
                raise SuiteError(
                    f"{path.name}: [{key!r}] needs a key SECTION/SLUG, a level of {get_args(Level)} and a text"
                )
            requirement = Requirement(f"{path.parent.name}/{key}", **fields)
            found[requirement.id] = requirement
    return found
