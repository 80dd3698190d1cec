"""`imapspec list`, `explain`, `servers`: what there is, without talking to any server."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from conformance import catalogue, resources
from conformance.catalogue import natural
from conformance.checks import DOUBTFUL_SYNTAX, END_CHECKS, RESPONSE_CHECKS, SYNTAX
from conformance.cli.common import all_files, file_of, proofs
from conformance.cli.coverage import chosen, coverage, requirements
from conformance.errors import NothingSelectedError, UsageError, nearest
from conformance.scenario.load import find, load, peek, select

if TYPE_CHECKING:
    from argparse import Namespace

    from conformance.catalogue import Requirement

_ALWAYS_ON = {*SYNTAX.values(), *DOUBTFUL_SYNTAX, *RESPONSE_CHECKS, *END_CHECKS}


def list_(options: Namespace) -> int:
    """Cases with their titles, or requirements with what proves them, or the RFC's key words with what became of them."""
    if options.requirements:
        return _requirements(options)
    if options.coverage:
        return _coverage(options)
    for case in select(find(), options.ids):
        print(f"{case}  {peek(file_of(resources.SCENARIOS, case)).get('title', '')}")
    return 0


def _requirements(options: Namespace) -> int:
    known = catalogue.load()
    proven = proofs(all_files())
    chosen = [
        requirement
        for requirement in sorted(known.values(), key=lambda r: natural(r.id))
        if (not options.level or requirement.level.lower() == options.level)
        and (not options.ids or any(requirement.id.startswith(word) for word in options.ids))
    ]
    if not chosen:
        raise NothingSelectedError("no requirement is selected.")
    for requirement in chosen:
        count = len(proven.get(requirement.id, ()))
        always = " always-on" if requirement.id in _ALWAYS_ON else ""
        proof = "untestable" if requirement.untestable else f"{count} case{'s' * (count != 1)}{always}"
        print(f"{requirement.id}  {requirement.level}  {proof}")
    print("\n" + "\n".join(requirements(chosen, proven, _ALWAYS_ON)))
    return 0


def _coverage(options: Namespace) -> int:
    words = chosen(options.ids, options.level)
    if not words:
        raise NothingSelectedError("no key word is selected; name a section, for example rfc3501/6.3.")
    reasons = {name: entry.untestable for name, entry in catalogue.load().items() if entry.untestable}
    print("\n".join(coverage(words, proofs(all_files()), _ALWAYS_ON, reasons)))
    return 0


def explain(options: Namespace) -> int:
    """The requirement, its section, typical causes, which cases prove it; of a case, also its text."""
    known = catalogue.load()
    cases = find()
    if options.id in known:
        _explain(known[options.id], proofs(all_files()).get(options.id, []))
        return 0
    if options.id not in cases:
        raise UsageError(
            f"there is no case or requirement {options.id}{nearest(options.id, [*known, *cases])}"
        )
    scenario = load(options.id)
    print(f"{scenario.id}\n{scenario.title}\n\n{scenario.source.rstrip()}\n")
    for name in scenario.proves:
        _explain(known[name], [])
    return 0


def _explain(requirement: Requirement, cases: list[str]) -> None:
    print(f"{requirement.id}  {requirement.level}\n{requirement.citation}  {requirement.link}\n")
    print(textwrap.fill(requirement.text, 100))
    if requirement.cause:
        print("\n" + textwrap.fill(f"Often: {requirement.cause}", 100))
    if requirement.untestable:
        print("\n" + textwrap.fill(f"Not asked: {requirement.untestable}", 100))
    if requirement.id in _ALWAYS_ON:
        print("\nAsked of every response in every case.")
    if cases:
        print("\nproven by")
        for case in cases:
            print(f"  {case}")
    print()


def servers(_options: Namespace) -> int:
    """Throw-away servers: version, or what to install."""
    from conformance.servers import DEFAULT, available  # noqa: PLC0415 - loads certificates' libraries, which take time

    for server in available():
        note = " (the embedded default)" if server.name == DEFAULT else ""
        print(f"{server.name:13} {server.version or 'missing: ' + server.install}{note}")
    return 0
