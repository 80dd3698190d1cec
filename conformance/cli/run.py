"""`imapspec run`: choose cases, make the plan, and begin to start the server; `play` does the rest."""

from __future__ import annotations

import contextlib
import datetime as dt
import gc
import re
from typing import TYPE_CHECKING

from conformance import catalogue, expectations, journal
from conformance.cli.common import all_files, file_of, proofs, settings_of, shown_command, target_of
from conformance.cli.ending import undisturbed
from conformance.errors import ImapspecError, NothingSelectedError, UsageError, nearest
from conformance.runner.choose import read_foreign
from conformance.runner.conduct import Conductor
from conformance.runner.plan import Plan
from conformance.scenario.load import find, select
from conformance.servers import LAUNCHERS

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

#: An RFC, an id below one, or a pattern.
_COULD_SELECT = re.compile(r"^rfc\d+$|[/*?\[]")

_RANK = {"must": 0, "should": 1, "may": 2}


def run(options: Namespace) -> int:
    """The command. Raises `ImapspecError`."""
    gc.disable()  # what loading makes stays; to look for garbage in it takes a tenth of the start
    target, ids = _split(options)
    paths = _selected(options, ids)
    if options.list:
        print("\n".join(paths))
        return 0
    known = expectations.Expectations()
    if options.expect is not None:
        known = expectations.read(options.expect, [*find(), *paths], catalogue.load())
    plan = Plan(
        target=target_of(options, target),
        settings=settings_of(options),
        report_dir=options.report_dir,
        command=shown_command(options.argv),
        selection=tuple(ids),
        folders=tuple(folder.absolute() for folder in options.scenarios),
        files=tuple(paths.values()),
        expectations=known,
        today=dt.datetime.now(dt.UTC).date(),
        strict=options.strict,
        workers=options.workers,
    )
    conductor = Conductor(plan)
    with contextlib.suppress(ImapspecError):  # the run meets it again, where it is told with a report
        conductor.launch()
    interrupted = False
    try:
        with undisturbed():  # it takes a while until pytest is loaded; the server comes up meanwhile
            from conformance.cli.play import play  # noqa: PLC0415
    except KeyboardInterrupt:
        interrupted = True
    return play(conductor, paths, options, interrupted=interrupted)


def _split(options: Namespace) -> tuple[str | None, list[str]]:
    """The target and the ids: the first word is a target when it contains `://` or names a server."""
    words = list(options.words)
    if words and ("://" in words[0] or words[0] in LAUNCHERS):
        return words[0], words[1:]
    if words and not options.scenarios and not _COULD_SELECT.search(words[0]):
        raise UsageError(
            f"{words[0]} is neither a server nor a case{nearest(words[0], LAUNCHERS) or '.'} "
            "An address has the form imap://HOST:PORT; `imapspec servers` and `imapspec list` say what there is."
        )
    return options.configured_target, words


def _selected(options: Namespace, ids: list[str]) -> dict[str, Path]:
    """Case -> file, in the order of the RFC. Files that are not ours are read now, before anything is sent."""
    files = all_files()
    for root in options.scenarios:
        if not root.is_dir():
            raise UsageError(f"--scenarios {root}: there is no such folder.")
        found = find(root)
        if not found:
            raise UsageError(f"--scenarios {root}: there is no file *.imap in this folder.")
        for case in found:
            path = file_of(root, case)
            read_foreign(path, root)
            files[case] = path.absolute()
    proven = proofs(files) if ids or options.level != "may" else {}  # all headers are read for it
    chosen = select(list(files), [case for word in ids for case in proven.get(word, [word])])
    if options.last_failed:
        failed = _last_failed(options.report_dir)
        chosen = [case for case in chosen if case in failed]
    if options.level != "may":
        known = catalogue.load()
        strong = {
            case
            for requirement, cases in proven.items()
            if requirement in known and _RANK[known[requirement].level.lower()] <= _RANK[options.level]
            for case in cases
        }
        chosen = [case for case in chosen if case in strong]
    if not chosen:
        raise NothingSelectedError("no case is selected: nothing to do.")
    return {case: files[case] for case in chosen}


def _last_failed(folder: Path) -> set[str]:
    last = journal.read(folder / "run.jsonl", allow_truncated=True)
    bad = {(gate.id, gate.requirement) for gate in last.gates if gate.state in expectations.UNEXPECTED}
    places = (
        (r.places or (r.id,))
        for r in last.results
        if (r.id, r.requirement) in bad or (not last.footer and r.status in journal.BAD_STATUSES)
    )
    failed = {case for cases in places for case in cases}
    if not failed:
        raise NothingSelectedError(f"nothing was unexpected in the last run of {folder}.")
    return failed
