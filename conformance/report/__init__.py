"""Reports: a journal -> page, JUnit, Markdown, terminal.

Every report is a fold over the journal. Knows journal and catalogue only, so that no report can ever change a verdict.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from conformance.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.journal import Journal

#: File name -> the module that renders it; imported at the end, because nobody waits for a page before.
_WRITERS = {"report.html": "html", "junit.xml": "junit", "summary.md": "summary"}

#: What `write_all` writes.
FILES = tuple(_WRITERS)


def write_all(journal: Journal, directory: Path) -> dict[str, Path]:
    """Write every report into `directory` (made if missing): file name -> path.

    Raises `UsageError` when the directory cannot be written.
    """
    from conformance.report.fold import fold  # noqa: PLC0415 - see _WRITERS

    run = fold(journal)
    written = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, module in _WRITERS.items():
            written[name] = directory / name
            text = importlib.import_module(f"conformance.report.{module}").render(run)
            written[name].write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"cannot write the reports to {directory}: {error.strerror}. Choose another --report-dir."
        ) from None
    return written
