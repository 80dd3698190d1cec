"""Texts that take long to make, kept for the next start in the user's cache folder.

A text is found again by a digest of all that it is made of, so nothing has to be kept up to date. A folder that cannot be read or
written costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

#: Who works on a grammar makes a new text with every change; of all texts the latest stay.
_KEPT = 24


def folder() -> Path:
    """Where the texts are: the XDG base directories say so. Raises `RuntimeError` where there is no home."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imapspec"


def read(made_of: str) -> str | None:
    """The text that was kept, as it was written; None if there is none."""
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        digest, _, text = _file(made_of).read_text(encoding="ascii").partition("\n")
        if digest == _digest(text):
            return text
    return None


def write(made_of: str, text: str) -> None:
    """Keep a text (7-bit)."""
    with contextlib.suppress(OSError, RuntimeError):
        path = _file(made_of)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(f"{_digest(text)}\n{text}", encoding="ascii")
        draft.replace(path)  # another process sees all of it or nothing
        by_age = sorted(path.parent.glob("*.json"), key=lambda old: old.stat().st_mtime)
        for old in by_age[:-_KEPT]:
            old.unlink(missing_ok=True)


def _file(made_of: str) -> Path:
    return folder() / f"{_digest(made_of)}.json"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
