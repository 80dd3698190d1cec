"""A real server behind a proxy that breaks one rule at a time: the suite reports it, under the section whose rule it is.

CI takes a sample; all of them, with a table, are the business of `make faults`.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import behind
import between
import broken_rules
import pytest
import rewriters
from behind import Behind, Score
from broken_rules import FAULTS, Fault

from conformance import catalogue
from conformance.scenario.load import find

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of each area every so many.
EVERY = 20

AREAS = tuple(dict.fromkeys(fault.area for fault in FAULTS))
SAMPLE = [
    fault for area in AREAS for fault in [f for f in FAULTS if f.area == area and not f.missed][::EVERY]
]


@pytest.fixture(scope="module")
def server() -> Iterator[Behind]:
    if behind.installed() != "dovecot" and os.environ.get("CI") != "true":
        pytest.skip("the faults are written for Dovecot, which breaks few rules itself")
    with Behind(behind.installed()) as opened:
        yield opened


@pytest.mark.parametrize("module", [between, rewriters, broken_rules], ids=lambda module: module.__name__)
def test_the_proxy_knows_nothing_of_the_package(module: object) -> None:
    source = Path(str(getattr(module, "__file__", ""))).read_text(encoding="utf-8")
    names = [
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    assert not [name for name in names if name.split(".")[0] in ("conformance", "plays", "behind")]


def test_each_fault_names_cases_and_sections_that_exist() -> None:
    cases, sections = set(find()), {name.split("/")[1] for name in catalogue.load()}
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 150
    for fault in FAULTS:
        assert fault.cases
        assert {f"rfc3501/{case}" for case in fault.cases.split()} <= cases, fault.name
        assert set(fault.sections.split()) <= sections, fault.name


@pytest.mark.parametrize("fault", SAMPLE, ids=lambda fault: fault.name)
def test_a_broken_rule_is_reported_under_its_section(server: Behind, fault: Fault) -> None:
    score = server.score(fault)
    assert not score.unexpected, "the server as it is does what its judgements say"
    assert score.how == Score.RIGHT, score
