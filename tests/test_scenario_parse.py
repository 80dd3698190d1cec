from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import ScenarioError
from conformance.response import Atom, Code, Hole, List, Number, Response, Rest, String
from conformance.scenario.mistakes import MISTAKES
from conformance.scenario.parse import parse
from conformance.scenario.syntax import (
    Assert,
    Base64,
    Claim,
    Close,
    Connection,
    End,
    Expect,
    Listen,
    Literal8,
    Operand,
    Outcome,
    Poll,
    Reconnect,
    Sasl,
    Scenario,
    Send,
    SendRaw,
    StartTLS,
)

HEAD = "title: An example\nproves: rfc3501/6.1.2/noop-ok\nstate: selected\n"
MESSAGES = {"simple.eml": b"Subject: x\r\n\r\n\xff${n}\r\n"}
DOCS = Path(__file__).parent.parent / "docs" / "scenarios.md"
TABLE = (Path(__file__).parent / "scenario_mistakes.txt").read_text(encoding="utf-8")


def scenario(steps: str, head: str = HEAD) -> Scenario:
    return parse(f"{head}\n{steps}", case="rfc3501/x", path="x.imap", read_file=MESSAGES.get)


def first(steps: str, head: str = HEAD) -> object:
    return scenario(steps, head).steps[0]


def expectation(line: str) -> Expect:
    step = scenario(f"C: NOOP\n{line}\nS: OK\n").steps[1]
    assert isinstance(step, Expect)
    return step


def template(text: str) -> Response:
    found = expectation(f"S? {text}").outcomes[0].template
    assert isinstance(found, Response)
    return found


def blocks(table: str) -> list[tuple[str, str, str]]:
    """(mistake, text, message) of each block of the table of mistakes."""
    found = []
    for block in re.split(r"^=== ", table, flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        text, _, message = rest.partition("---\n")
        whole = (
            text
            if re.match(r"title|proves|#", text)
            else f"{HEAD.replace('selected', 'authenticated')}\n{text}"
        )
        found.append((name, whole.replace("␉", "\t"), message.rstrip("\n").replace("␉", "\t")))
    return found


# ---- mistakes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mistake", "text", "message"), blocks(TABLE))
def test_a_mistake_is_named_shown_and_mended(mistake: str, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text, case="x", path="x.imap")
    assert str(caught.value) == message
    assert mistake in MISTAKES


def test_every_mistake_is_in_the_table_of_mistakes() -> None:
    assert {name for name, _, _ in blocks(TABLE)} == MISTAKES.keys() - {"not-utf8"}


WHOLE = f"""{HEAD}messages: 3
connections: A B@2

A C: NOOP  # why
A S: * 3 EXISTS | OK -> INFO words
A S a [rfc3501/6.1.2/x]: NO [ALERT] ${{...}}
B C~ a1 "x\\x00"\\r\\n
B poll: * ${{n}} EXPUNGE
assert: ${{n}} < 3 | ${{n}} = 4 -> SKIP words
reconnect
"""


@given(st.data())
def test_any_text_is_read_or_is_an_authors_mistake(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(WHOLE)))
    length = data.draw(st.integers(0, 5))
    new = data.draw(st.text('\n CS:~{}$"|->#[]\\a1* \tä', max_size=5))
    text = WHOLE[:at] + new + WHOLE[at + length :]
    try:
        parse(text, case="x", path="x.imap")
    except ScenarioError as caught:
        error = caught
    else:
        return
    assert error.text == text.split("\n")[error.line - 1]
    assert 1 <= error.column <= len(error.text) + 1


# ---- header -------------------------------------------------------------------------------------------------------------


def test_a_header_fills_every_field() -> None:
    head = """# about this file
title: Two connections   # the title
proves: rfc3501/5.2/size-updates
  rfc3501/B.1/second-one   # an appendix
state: created
messages: 3 simple.eml
connections: A Bob@2
requires: literal+ !IDLE
delivery: octets
touches: inbox limits
"""
    assert scenario("A close\n", head) == Scenario(
        id="rfc3501/x",
        path="x.imap",
        source=f"{head}\nA close\n",
        title="Two connections",
        proves=("rfc3501/5.2/size-updates", "rfc3501/B.1/second-one"),
        state="created",
        messages=3,
        message_file="simple.eml",
        connections=(Connection("A"), Connection("Bob", 2)),
        requires=("LITERAL+", "!IDLE"),
        delivery="octets",
        touches=("inbox", "limits"),
        steps=(Close(12, "A"),),
    )


def test_line_ends_of_either_kind_and_a_missing_last_one_are_read() -> None:
    text = f"{HEAD}\nC: NOOP\nS: OK"
    steps = parse(text, case="x", path="x.imap").steps
    assert parse(text.replace("\n", "\r\n"), case="x", path="x.imap").steps == steps
    assert [step.line for step in steps] == [5, 6]


def test_comments_and_blank_lines_may_stand_between_all_lines() -> None:
    steps = scenario("# why\nC: NOOP # 6.1.2\n# more\n\n  # even more\nS: OK\n\n\n").steps
    assert [step.line for step in steps] == [6, 10]


# ---- what is sent -------------------------------------------------------------------------------------------------------


def test_a_command_keeps_its_text_as_written() -> None:
    assert first('C: SEARCH  SUBJECT "a # b | c \\" d" -> #news   # comment\nS: OK\n') == Send(
        5, "A", "", ('SEARCH  SUBJECT "a # b | c \\" d" -> #news',)
    )


def test_a_command_with_a_label_and_literals_has_parts() -> None:
    step = first('C a: APPEND x {text "a\\r\\n\\x24{b\\x7d ${user}\\xff"} {file simple.eml}\nS a: OK\n')
    assert step == Send(
        5,
        "A",
        "a",
        ("APPEND x ", Literal8("a\r\n${$}{b} ${user}\xff"), " ", Literal8(file="simple.eml")),
    )


def test_a_literal_that_does_not_wait_is_marked() -> None:
    head = f"{HEAD}requires: LITERAL+\n"
    assert first('C: LOGIN {+text "a"} {+file simple.eml}\nS: NO\n', head) == Send(
        6, "A", "", ("LOGIN ", Literal8("a", sync=False), " ", Literal8(file="simple.eml", sync=False))
    )


def test_text_beyond_ascii_is_sent_as_utf_8() -> None:
    assert first('C: SELECT "ä"\nS: NO\n') == Send(5, "A", "", ('SELECT "Ã¤"',))


def test_raw_octets_know_escapes_and_holes() -> None:
    step = first('C~ a1 {3}\\r\\n\\x41\\0\\t\\"\\\\ "\\"x" ${user} # comment\nS a1: OK\n')
    assert step == SendRaw(5, "A", ('a1 {3}\r\nA\0\t"\\ ""x" ${user}',))


def test_a_text_is_repeated() -> None:
    step = first('C~ a{times 3 "\\x61${user}"} {times 0 "x"}{times} # comment\nS: OK\n')
    assert step == SendRaw(5, "A", ("aa${user}a${user}a${user} {times}",))
    assert first('C: SELECT {times 3 "a"}\nS: NO\n') == Send(5, "A", "", ("SELECT aaa",))


def test_base64_is_made_of_a_text_in_both_kinds_of_lines() -> None:
    step = first('C~ a{base64 "\\0${user}\\0\\"x"}{base64 ""}\\r\\n {base64} # comment\nS: OK\n')
    assert step == SendRaw(5, "A", ("a", Base64('\0${user}\0"x'), Base64(""), "\r\n {base64}"))
    step = first('C: AUTHENTICATE PLAIN {base64 "${plain}"}\nS: OK\n')
    assert step == Send(5, "A", "", ("AUTHENTICATE PLAIN ", Base64("${plain}")))


# ---- what is expected ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "label", "mode", "after", "requirement"),
    [
        ("S: * 1 EXISTS", "", "must", False, None),
        ("S [rfc3501/5.2/x]: * 1 EXISTS", "", "must", False, "rfc3501/5.2/x"),
        ("S? * 1 EXISTS", "", "may", False, None),
        ("S?: * 1 EXISTS", "", "may", False, None),
        ("S! [rfc3501/5.2/x] * 1 EXISTS", "", "must-not", False, "rfc3501/5.2/x"),
        ("S [given]: * 1 EXISTS", "", "must", False, "given"),
        ("S! [rfc3501/5.2/x]: * 1 EXISTS", "", "must-not", False, "rfc3501/5.2/x"),
    ],
)
def test_marks_and_requirements_of_expectations(
    line: str, label: str, mode: str, after: bool, requirement: str | None
) -> None:
    step = expectation(line)
    assert (step.label, step.mode, step.after_previous, step.requirement) == (label, mode, after, requirement)
    assert step.source == line


def test_labels_stand_with_and_without_colon() -> None:
    steps = scenario(
        "C a: NOOP\nS a: * 1 EXISTS\nS> a: * 2 EXISTS\nS! a BAD\nS? a [rfc3501/5.2/x] NO\nS a: OK\n"
    ).steps
    assert [step.label for step in steps if isinstance(step, Expect)] == ["a"] * 5
    assert [step.after_previous for step in steps if isinstance(step, Expect)] == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_a_tag_of_raw_octets_is_a_label() -> None:
    scenario("C~ x1 NOOP\\r\\nx2 NOOP\\r\\n\nS x1: OK\nS! x2 OK\n")


def test_outcomes_have_verdicts_and_words() -> None:
    step = expectation("S? NO [ALERT] a|b  ->  WARN not nice  |  end BYE -> INFO | * OK x->y")
    assert [(outcome.source, outcome.verdict, outcome.words) for outcome in step.outcomes] == [
        ("NO [ALERT] a|b", "WARN", "not nice"),
        ("end BYE", "INFO", ""),
        ("* OK x->y", None, ""),
    ]


def test_the_end_of_the_connection_is_an_outcome() -> None:
    step = expectation("S? end -> INFO closed | end BYE")
    assert step.outcomes == (Outcome(End(), "end", "INFO", "closed"), Outcome(End(bye=True), "end BYE"))


def test_operators_inside_quotes_are_text() -> None:
    assert template('* LIST () "/" "a | b -> c # d"').items[2] == String(b"a | b -> c # d")


def test_a_template_is_a_response_with_holes() -> None:
    response = template("* ${n} FETCH (FLAGS (\\Seen ${...}) UID ${u})")
    assert (response.kind, response.number, response.name) == ("untagged", Hole("n"), "FETCH")
    flags = List((Atom("\\Seen"), Rest()), ordered=False)
    assert response.items == (List((Atom("FLAGS"), flags, Atom("UID"), Hole("u"))),)
    assert template("OK [UIDNEXT 7]").code == Code("UIDNEXT", (Number(7),))


def test_literals_of_templates_are_strings_with_any_octets() -> None:
    response = template(
        '* 1 FETCH (BODY[] {text "\\r\\n\\xff\\x24{x} ${user}\\"\\\\"} RFC822 {file simple.eml})'
    )
    assert response.items == (
        List(
            (
                Atom("BODY[]"),
                String(b'\r\n\xff${$}{x} ${user}"\\'),
                Atom("RFC822"),
                String(b"Subject: x\r\n\r\n\xff${$}{n}\r\n"),
            )
        ),
    )


# ---- the other steps ----------------------------------------------------------------------------------------------------


def test_a_poll_has_outcomes_and_a_requirement() -> None:
    step = first("poll [rfc3501/6.1.2/x]: * 2 EXPUNGE | end BYE -> INFO gone\n")
    assert isinstance(step, Poll)
    assert step.requirement == "rfc3501/6.1.2/x"
    assert [outcome.source for outcome in step.outcomes] == ["* 2 EXPUNGE", "end BYE"]


def test_an_assertion_compares_neighbours() -> None:
    steps = scenario(
        "C: FETCH 1 (UID FLAGS)\nS: * 1 FETCH (UID ${u} FLAGS ${f})\nS: OK\n"
        'assert: 1 <= ${u} != 7\nassert [rfc3501/2.3.2/x]: \\Seen not in ${f}   # why\nassert: ${f:count} = "a \\"b"\n'
    ).steps
    assert steps[3:] == (
        Assert(
            8,
            (Claim((Operand("1"), Operand(hole="u"), Operand("7")), ("<=", "!="), "1 <= ${u} != 7"),),
            None,
            "assert: 1 <= ${u} != 7",
        ),
        Assert(
            9,
            (Claim((Operand("\\Seen"), Operand(hole="f")), ("not in",), "\\Seen not in ${f}"),),
            "rfc3501/2.3.2/x",
            "assert [rfc3501/2.3.2/x]: \\Seen not in ${f}",
        ),
        Assert(
            10,
            (Claim((Operand(hole="f", accessor="count"), Operand('a "b')), ("=",), '${f:count} = "a \\"b"'),),
            None,
            'assert: ${f:count} = "a \\"b"',
        ),
    )


def test_an_assertion_has_outcomes() -> None:
    step = scenario(
        'C: NOOP\nS: * ${n} EXISTS\nS: OK\nassert: ${n} = "a | b -> c" | 1 < ${n} -> INFO more than one | ${n} = 0 -> WARN\n'
    ).steps[3]
    assert isinstance(step, Assert)
    assert [(claim.source, claim.verdict, claim.words) for claim in step.claims] == [
        ('${n} = "a | b -> c"', None, ""),
        ("1 < ${n}", "INFO", "more than one"),
        ("${n} = 0", "WARN", ""),
    ]


def test_an_exchange_has_a_mechanism_and_perhaps_a_password() -> None:
    head = f"{HEAD.replace('selected', 'greeted')}requires: AUTH=PLAIN\n"
    steps = scenario(
        "sasl: PLAIN\nS: OK\nsasl [rfc3501/6.2.2/x]: PLAIN ${wrong}   # why\nS: NO\nlisten\n", head
    ).steps
    assert steps[0] == Sasl(6, "A", "PLAIN", "", None, "sasl: PLAIN")
    assert steps[2] == Sasl(
        8, "A", "PLAIN", "${wrong}", "rfc3501/6.2.2/x", "sasl [rfc3501/6.2.2/x]: PLAIN ${wrong}"
    )
    assert steps[4] == Listen(10, "A")


def test_connections_are_closed_reopened_and_encrypted() -> None:
    steps = scenario("close\nreconnect\ntls [rfc3501/6.2.1/x] | end -> INFO refused\ntls\n").steps
    refused = (Outcome(End(), "end", "INFO", "refused"),)
    assert steps == (
        Close(5, "A"),
        Reconnect(6, "A"),
        StartTLS(7, "A", refused, "rfc3501/6.2.1/x", "tls [rfc3501/6.2.1/x] | end -> INFO refused"),
        StartTLS(8, "A", (), None, "tls"),
    )


# ---- the order of steps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "steps",
    [
        "C: AUTHENTICATE PLAIN\nS: +\nC~ ${plain}\\r\\n\nS: OK\n",
        "C: AUTHENTICATE PLAIN\nS: + ${...} | NO -> INFO refused\nC~ *\\r\\n\nS: BAD\n",
        "C: LOGOUT\nS: * BYE ${...}\nS> OK\nS: end\nreconnect\nC: NOOP\nS: OK\n",
        "C: FETCH 1 (BODY[])\nclose\n",
        "C a: NOOP\nC b: NOOP\nS: OK\nS a: OK\nC a: NOOP\nS a: OK\n",
        "S! * BYE\nC: NOOP\nS: OK\nS! * ${n} EXPUNGE\npoll: * ${n} EXISTS\n",
        'C: LIST "" *\nS: * LIST ${} ${d} ${name}\nS: * LIST () ${d} ${name}x\nS: OK\n',
        'C: AUTHENTICATE LOGIN\nS: +\nC~ {base64 "${wrong}"}\\r\\n\nS: OK\n',
        "C: NOOP\nS: OK\nlisten\nS! * ${} EXPUNGE\nS: * ${n} EXISTS\nC: NOOP\nS: OK\n",
        "C: STARTTLS\nS: OK | end -> INFO closed\ntls | end -> INFO refused\nC: NOOP\nS: OK\n",
    ],
)
def test_orders_of_steps_that_make_sense(steps: str) -> None:
    scenario(steps)


# ---- documents ----------------------------------------------------------------------------------------------------------


def examples() -> list[str]:
    return re.findall(r"^```imap\n(.*?)^```$", DOCS.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", examples())
def test_every_example_of_the_language_reference_is_read(example: str) -> None:
    several = "connections: A B\n" if re.search("^[AB] ", example, re.MULTILINE) else ""
    text = example if example.startswith("title:") else f"{HEAD}{several}\n{example}"
    parse(text, case="x", path="scenarios.md", read_file=lambda _: b"")


def test_a_line_that_accepts_a_continuation_request_or_a_completion_closes_its_command() -> None:
    text = "title: t\nproves: rfc3501/3/x\nstate: selected\n\nC: AUTHENTICATE PLAIN\nS: NO | BAD | + -> WARN an exchange\n"
    steps = parse(text, case="x", path="x.imap").steps
    assert [type(step).__name__ for step in steps] == ["Send", "Expect"]
