"""The catalogue and what proves it: nothing is demanded that is not asked, and nothing is asked that is not demanded."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from conformance import catalogue, resources
from conformance.catalogue import natural
from conformance.checks import DOUBTFUL_SYNTAX, END_CHECKS, RESPONSE_CHECKS, SYNTAX
from conformance.scenario.load import find, load
from conformance.scenario.syntax import GIVEN, Assert, Expect, Poll, Sasl, StartTLS

if TYPE_CHECKING:
    from conformance.scenario.syntax import Scenario

ALWAYS_ON = {*SYNTAX.values(), *DOUBTFUL_SYNTAX, *RESPONSE_CHECKS, *END_CHECKS}


def carried(scenario: Scenario) -> set[str]:
    """The requirements that get a verdict from a step of the scenario."""
    steps = [step for step in scenario.steps if isinstance(step, Expect | Poll | Assert | StartTLS | Sasl)]
    return {step.requirement or scenario.proves[0] for step in steps} - {GIVEN}


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    return [load(case) for case in find()]


def test_every_requirement_is_proven_by_a_scenario_or_always_on_or_says_why_not(
    scenarios: list[Scenario],
) -> None:
    proven = ALWAYS_ON.union(*(scenario.proves for scenario in scenarios))
    wrong = [name for name, entry in catalogue.load().items() if (name in proven) == bool(entry.untestable)]
    assert wrong == []


def test_what_a_scenario_proves_is_asked_by_its_steps(scenarios: list[Scenario]) -> None:
    for scenario in scenarios:
        assert set(scenario.proves) <= carried(scenario), scenario.id


def test_what_is_asked_is_in_the_catalogue(scenarios: list[Scenario]) -> None:
    assert ALWAYS_ON.union(*map(carried, scenarios)) <= catalogue.load().keys()


def test_requirements_are_in_the_order_of_sections() -> None:
    for path in resources.CATALOGUE.glob("rfc*/[0-9]*.toml"):
        sections = [key.split("/")[0] for key in tomllib.loads(path.read_text(encoding="utf-8"))]
        assert sections == sorted(sections, key=natural), path.name
        assert all(f"{section}.".startswith(f"{path.stem}.") for section in sections), path.name


def test_no_two_requirements_say_the_same() -> None:
    texts = [(requirement.section, requirement.text) for requirement in catalogue.load().values()]
    assert len(set(texts)) == len(texts)
