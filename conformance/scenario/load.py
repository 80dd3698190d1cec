"""Scenario files: where they are, what they are called, which of them are meant.

A scenario's id is its path below the root without `.imap`. Knows: the file tree, selectors. Must not know: what a scenario says.
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import resources
from conformance.catalogue import natural
from conformance.errors import UsageError, nearest
from conformance.scenario.mistakes import Source
from conformance.scenario.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.scenario.syntax import Scenario

SUFFIX = ".imap"

_PATTERN = re.compile(r"[*?\[]")
_SECTION = re.compile(r"/(?:\d+|[A-Z])(?:\.\d+)*$")


def find(root: Path = resources.SCENARIOS) -> list[str]:
    """The ids of all scenarios below a root, in the order of the RFC's sections."""
    return sorted((case_id(path, root) for path in root.rglob(f"*{SUFFIX}")), key=natural)


def case_id(path: Path, root: Path = resources.SCENARIOS) -> str:
    """The id of a file: its path below the root without ending, or its bare name if it is elsewhere."""
    if not path.is_relative_to(root):
        path, root = path.resolve(), root.resolve()
    below = path.relative_to(root) if path.is_relative_to(root) else Path(path.name)
    return below.with_suffix("").as_posix()


def load(case: str, root: Path = resources.SCENARIOS) -> Scenario:
    """The scenario with an id. Raises `UsageError` if there is none, `ScenarioError` if it is wrong."""
    path = root / f"{case}{SUFFIX}"
    if not path.is_file():
        raise UsageError(f"no scenario {case}{nearest(case, find(root))}")
    return load_file(path, root)


def load_file(path: Path, root: Path = resources.SCENARIOS) -> Scenario:
    """The scenario in a file, below the root or elsewhere. Raises `UsageError` and `ScenarioError`."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read the scenario {path}: {error.strerror}") from None
    return parse(
        _text(path, octets),
        case=case_id(path, root),
        path=str(path),
        read_file=lambda name: message(path, name),
    )


def peek(path: Path) -> dict[str, str]:
    """The header of a file, key -> value, without reading its steps: for lists and selections. Nothing is checked."""
    fields: dict[str, str] = {}
    key = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if not line.strip():
            if fields:
                break
        elif line.startswith("  "):
            fields[key] = f"{fields.get(key, '')} {line.strip()}"
        elif not line.startswith("#"):
            key, _, value = line.partition(":")
            fields[key] = value.strip()
    return fields


def message(scenario: Path, name: str) -> bytes | None:
    """The octets of a message file: beside the scenario, or one of the shared messages; None if there is none of that name."""
    for folder in (scenario.parent, resources.MESSAGES):
        if "/" not in name and (folder / name).is_file():
            return (folder / name).read_bytes()
    return None


def _text(path: Path, octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise Source(str(path), octets.decode("utf-8", "replace")).error("not-utf8", line, column) from None


def select(cases: Sequence[str], selectors: Sequence[str]) -> list[str]:
    """The ids that any of the selectors means, in their order; all if there are no selectors.

    A selector is an RFC (`rfc3501`), a section with all below it (`rfc3501/6.3`, also a folder `rfc3501/6.3.1-select`), an id, or
    a pattern with `*`, `?` or `[...]` over ids (`*` also crosses `/`). Raises `UsageError` for one that means nothing.
    """
    chosen: set[str] = set()
    known = set(cases)
    for selector in selectors:
        meant = (
            [selector] if selector in known else [case for case in cases if _means(selector.strip("/"), case)]
        )
        if not meant:
            raise UsageError(f"{selector} selects nothing{nearest(selector, _selectors(cases))}")
        chosen.update(meant)
    return [case for case in cases if case in chosen] if selectors else list(cases)


def _means(selector: str, case: str) -> bool:
    if _PATTERN.search(selector):
        return fnmatch.fnmatchcase(case, selector)
    below = (
        (f"{selector}/", f"{selector}.", f"{selector}-") if _SECTION.search(selector) else (f"{selector}/",)
    )
    return case == selector or case.startswith(below)


def _selectors(cases: Sequence[str]) -> list[str]:
    """All that could have been meant: ids, and the folders and sections that they are in."""
    folders = {folder for case in cases for folder in _folders(case)}
    return sorted({*cases, *folders, *(re.sub(r"-[^/]*$", "", folder) for folder in folders)})


def _folders(case: str) -> Iterable[str]:
    parts = case.split("/")
    return ("/".join(parts[:n]) for n in range(1, len(parts)))
