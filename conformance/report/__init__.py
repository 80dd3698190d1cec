"""Reports: a journal -> page, JUnit, Markdown, terminal.

Every report is a fold over the journal. Knows journal and catalogue only, so that no report can ever change a verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.errors import UsageError
from conformance.report import fold, html, junit, summary

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.journal import Journal

_WRITERS = {"report.html": html.render, "junit.xml": junit.render, "summary.md": summary.render}


def write_all(journal: Journal, directory: Path) -> dict[str, Path]:
    """Write every report into `directory` (made if missing): file name -> path.

    Raises `UsageError` when the directory cannot be written.
    """
    run = fold.fold(journal)
    written = {}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, render in _WRITERS.items():
            written[name] = directory / name
            written[name].write_text(render(run), encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(
            f"cannot write the reports to {directory}: {error.strerror}. Choose another --report-dir."
        ) from None
    return written
