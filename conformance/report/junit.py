"""`junit.xml` for the test views of CI services: one testsuite per RFC section, one testcase per result.

Only what the common schemas allow: attributes and elements in their order, counts that agree with the elements. XML 1.0 cannot carry
control characters, so all text is made visible first.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from conformance.report import visible
from conformance.report.block import block

if TYPE_CHECKING:
    from conformance.report.fold import Item, Run, Section

#: Mark -> the element that tells it, and its type where the result itself has no better word.
_OUTCOMES = {
    "fail": "failure",
    "crash": "failure",
    "timeout": "failure",
    "flaky": "failure",
    "surprise": "failure",
    "error": "error",
    "known": "skipped",
    "skip": "skipped",
    "blocked": "skipped",
}


def render(run: Run) -> str:
    """The whole document."""
    root = ET.Element("testsuites", name="imapspec")
    names = _names(run)
    timed: set[str] = set()
    for section in run.sections:
        root.append(_suite(run, section, names, timed))
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(run: Run, section: Section, names: dict[int, str], timed: set[str]) -> ET.Element:
    name = ".".join(["imapspec", section.rfc or "other", section.number.replace(".", "_")]).rstrip(".")
    suite = ET.Element("testsuite", name=name)
    _properties(
        suite,
        {
            "target": run.header.target,
            "server": run.header.server,
            "greeting": run.header.greeting,
            "seed": str(run.header.seed),
            "imapspec": run.header.tool,
        },
    )
    seconds = 0.0
    items = [item for row in section.rows for item in row.items]
    for item in items:
        # A case that proves several requirements took its time once.
        case = "" if item.result.always_on else item.result.id
        time = 0.0 if case in timed else run.durations.get(case, 0.0)
        timed.add(case)
        seconds += time
        suite.append(_testcase(item, name, names[id(item)], time))
    outcomes = [_OUTCOMES.get(item.mark.key) for item in items]
    suite.set("tests", str(len(items)))
    suite.set("failures", str(outcomes.count("failure")))
    suite.set("errors", str(outcomes.count("error")))
    suite.set("skipped", str(outcomes.count("skipped")))
    suite.set("time", f"{seconds:.3f}")
    suite.set("timestamp", re.sub(r"(Z|[+-]\d\d:?\d\d)$", "", _text(run.header.started)))
    return suite


def _testcase(item: Item, classname: str, name: str, time: float) -> ET.Element:
    result = item.result
    case = ET.Element("testcase", classname=classname, name=name, time=f"{time:.3f}")
    _properties(
        case,
        {
            "requirement": item.requirement.id,
            "level": result.level,
            "status": result.status,
            "gate": item.gate.state if item.gate else "",
            "warning": result.message or result.actual if item.mark.key == "warn" else "",
            "again": item.again,
        },
    )
    if outcome := _OUTCOMES.get(item.mark.key):
        kind, message = _summary(item)
        element = ET.SubElement(case, outcome, type=_text(kind), message=_text(message))
        element.text = _text(block(item))
    elif item.mark.key == "warn":
        ET.SubElement(case, "system-out").text = _text(block(item))
    return case


def _summary(item: Item) -> tuple[str, str]:
    """Type and message of an outcome that is not a plain pass."""
    result = item.result
    if item.mark.key in ("known", "surprise") and item.gate:
        issue = f" ({item.gate.issue})" if item.gate.issue else ""
        kind = "expected-failure" if item.mark.key == "known" else "unexpected-pass"
        return kind, f"{item.gate.reason}{issue}"
    if item.mark.key in ("skip", "blocked"):
        return result.reason or item.mark.word, result.message or result.reason or item.mark.word
    told = result.message or f"expected {result.expected}, got {result.actual}"
    return (item.gate.state if item.attention == "expired" and item.gate else item.mark.word), told


def _names(run: Run) -> dict[int, str]:
    """A name per item that depends on what was tested only, and is unique: by it CI services follow a test over time."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for item in run.items:
        result = item.result
        name = f"{result.requirement} {result.signature}".rstrip() if result.always_on else result.id
        if name in taken:
            name = f"{name} [{result.requirement}]"
        taken.add(name)
        names[id(item)] = _text(name)
    return names


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    holder = ET.SubElement(parent, "properties")
    for name, value in values.items():
        if value:
            ET.SubElement(holder, "property", name=name, value=_text(value))


def _text(text: str) -> str:
    return visible.words(text)
