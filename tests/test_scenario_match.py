from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance import grammar, response
from conformance.response import Atom, List, Nil, Number, Response, String
from conformance.scenario.asserts import evaluate
from conformance.scenario.group import Arrived, GroupOutcome, expect_of, match_group
from conformance.scenario.holes import MisfitError, render, render_command
from conformance.scenario.match import Mismatch, match, merge_fetches
from conformance.scenario.parse import parse
from conformance.scenario.syntax import Assert, Expect, Poll
from conformance.scenario.values import equal

if TYPE_CHECKING:
    import random

    from conformance.response import Value
    from conformance.scenario.holes import Bindings

GRAMMAR = grammar.load()
BOUND: Bindings = {
    "prefix": String(b"t1-"),
    "n": Number(7),
    "flags": List((Atom(r"\Seen"), Atom("Work")), ordered=False),
    "date": String(b" 7-Feb-1994 22:43:04 -0800"),
    "nil": Nil(),
}


def received(line: str) -> Response:
    return response.read(GRAMMAR, line.encode("latin-1") + b"\r\n")


def fit(template: str, line: str, **bound: Value) -> Bindings | str:
    found = match(response.template(GRAMMAR, template), received(line), {**BOUND, **bound})
    return (
        str(found)
        if isinstance(found, Mismatch)
        else {name: found[name] for name in found.keys() - BOUND.keys()}
    )


# ---- one template, one response -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("OK", "a1 OK done"),
        ("OK", "a1 OK [READ-ONLY] done"),
        ("OK [READ-ONLY]", "a1 OK [read-only] done"),
        ("OK [READ-ONLY] ${...}", "a1 OK [READ-ONLY] done"),
        ("OK done", "a1 OK done"),
        ("* OK [UIDNEXT 7] ${...}", "* OK [UIDNEXT 7] next"),
        ("* OK [UIDNEXT ${n}] ${...}", "* OK [UIDNEXT 7] next"),
        (r"* OK [PERMANENTFLAGS (\* \Seen)] x", r"* OK [PERMANENTFLAGS (\Seen \*)] x"),
        (r"* OK [PERMANENTFLAGS (\* ${...})] ${...}", r"* OK [PERMANENTFLAGS (\Seen \*)] limited"),
        ("* OK [CAPABILITY IDLE IMAP4rev1] ${...}", "* OK [CAPABILITY IMAP4rev1 IDLE] ready"),
        ("* CAPABILITY idle ${...}", "* CAPABILITY IMAP4rev1 IDLE"),
        ("* CAPABILITY IDLE IMAP4REV1", "* CAPABILITY IMAP4rev1 IDLE"),
        ("+", "+ go on"),
        ("+ ${...}", "+ go on"),
        ("* SEARCH", "* SEARCH"),
        ("* SEARCH 3 1", "* SEARCH 1 3"),
        ("* SEARCH 3 ${...}", "* SEARCH 1 2 3"),
        ("* SEARCH ${...}", "* SEARCH"),
        (r"* FLAGS (work \seen)", r"* FLAGS (\Seen Work)"),
        (r"* FLAGS (\Seen)", r"* FLAGS (\Seen \SEEN)"),
        ("* FLAGS ${flags}", r"* FLAGS (Work \Seen)"),
        ("* FLAGS ${}", "* FLAGS ()"),
        ("* FLAGS ()", "* FLAGS ()"),
        ('* LIST ${} "/" inbox', r'* LIST (\Marked) "/" INBOX'),
        ('* LIST () "/" Other', '* LIST () "/" other'),
        ('* LIST () NIL "${prefix}x y"', '* LIST () NIL "t1-x y"'),
        ("* LIST ${} ${} ${prefix}x", '* LIST () "/" "t1-x"'),
        ('* LIST () "/" "${$}{x}"', '* LIST () "/" "${x}"'),
        ("* LIST ${...}", '* LIST () "/" x'),
        ("* LSUB (${...}) ${...}", r'* LSUB (\Noselect) "/" x'),
        ("* STATUS x (UIDNEXT 7)", "* STATUS x (MESSAGES 3 UIDNEXT 7)"),
        ("* STATUS x ()", "* STATUS x (MESSAGES 3)"),
        ("* STATUS ${...}", "* STATUS x (MESSAGES 3)"),
        ("* ${n} EXPUNGE", "* 7 EXPUNGE"),
        ("* ${} EXISTS", "* 7 EXISTS"),
        (r"* 1 FETCH (UID 5 FLAGS (\Seen))", r"* 1 FETCH (FLAGS (\Seen) RFC822.SIZE 9 UID 5)"),
        ("* ${} FETCH ${}", "* 1 FETCH (UID 5)"),
        ("* ${} FETCH ${...}", "* 1 FETCH (UID 5)"),
        ("* ${} FETCH (${...})", "* 1 FETCH (UID 5)"),
        (
            '* 1 FETCH (BODY[HEADER.FIELDS (To "date")] "a")',
            "* 1 FETCH (BODY[HEADER.FIELDS (DATE to)] {1}\r\na)",
        ),
        ('* 1 FETCH (BODY[HEADER.FIELDS ("date")] "a")', "* 1 FETCH (BODY[HEADER.FIELDS (DATE)] {1}\r\na)"),
        ('* 1 FETCH (BODY[] {text "a\\r\\n${prefix}"})', "* 1 FETCH (BODY[] {6}\r\na\r\nt1-)"),
        ('* 1 FETCH (RFC822.TEXT "a")', "* 1 FETCH (RFC822.TEXT {1}\r\na)"),
        ("* 1 FETCH (RFC822 NIL)", "* 1 FETCH (RFC822 NIL)"),
        (
            '* 1 FETCH (BODYSTRUCTURE ("text" "plain" ${...}))',
            '* 1 FETCH (BODYSTRUCTURE ("TEXT" "PLAIN" ("CHARSET" "utf-8") NIL NIL "7BIT" 5 1))',
        ),
        (
            '* 1 FETCH (ENVELOPE ("d" ${} ${...}))',
            '* 1 FETCH (ENVELOPE ("d" "s" NIL NIL NIL NIL NIL NIL NIL "<i>"))',
        ),
    ],
)
def test_a_response_fits_a_template(template: str, line: str) -> None:
    assert fit(template, line) == {}


@pytest.mark.parametrize(
    ("template", "line", "difference"),
    [
        ("OK", "a1 NO done", "name is NO, expected was OK"),
        ("OK", "* OK done", "kind is untagged, expected was tagged"),
        ("OK [READ-ONLY]", "a1 OK done", "response code is missing, expected was [READ-ONLY]"),
        (
            "OK [READ-ONLY]",
            "a1 OK [READ-WRITE] done",
            "response code is [READ-WRITE], expected was [READ-ONLY]",
        ),
        ("OK done", "a1 OK Done", 'text is "Done", expected was "done"'),
        (
            "* OK [UIDNEXT ${n}] x",
            "* OK [UIDNEXT 8] x",
            "response code is [UIDNEXT 8], expected was [UIDNEXT 7]",
        ),
        ("* CAPABILITY IDLE", "* CAPABILITY IMAP4rev1 IDLE", "data is IMAP4rev1 IDLE, expected was IDLE"),
        ("* SEARCH 1 2", "* SEARCH 1", "data is 1, expected was 1 2"),
        ("* SEARCH", "* SEARCH 1", "data is 1, expected was nothing"),
        (r"* FLAGS (\Seen)", r"* FLAGS (\Seen Work)", r"data is (\Seen Work), expected was (\Seen)"),
        ("* FLAGS ${flags}", r"* FLAGS (\Seen)", r"data is (\Seen), expected was (\Seen Work)"),
        (
            '* LIST () "/" &U,BTFw-',
            '* LIST () "/" &u,BTFw-',
            'data is () "/" "&u,BTFw-", expected was () "/" "&U,BTFw-"',
        ),
        ('* LIST () NIL "NIL"', '* LIST () "/" NIL', 'data is () "/" "NIL", expected was () NIL "NIL"'),
        ("* STATUS x (UIDNEXT 7)", "* STATUS x (MESSAGES 3)", "UIDNEXT is missing, expected was 7"),
        ("* STATUS x (UIDNEXT 7)", "* STATUS y (UIDNEXT 7)", 'mailbox is "y", expected was "x"'),
        ("* ${n} EXPUNGE", "* 8 EXPUNGE", "number is 8, expected was 7"),
        ("* 1 FETCH (UID 5)", "* 1 FETCH (UID 6)", "UID is 6, expected was 5"),
        ('* 1 FETCH (RFC822 "a")', "* 1 FETCH (RFC822 NIL)", 'RFC822 is NIL, expected was "a"'),
        ('* 1 FETCH (RFC822 "NIL")', "* 1 FETCH (RFC822 NIL)", 'RFC822 is NIL, expected was "NIL"'),
    ],
)
def test_a_response_that_does_not_fit_says_where(template: str, line: str, difference: str) -> None:
    assert fit(template, line) == difference


@pytest.mark.parametrize(
    ("template", "line", "bound"),
    [
        ("* ${count} EXISTS", "* 3 EXISTS", {"count": Number(3)}),
        ("* OK [UIDNEXT ${next}] ${...}", "* OK [UIDNEXT 9] x", {"next": Number(9)}),
        ("+ ${challenge}", "+ aGk=", {"challenge": String(b"aGk=")}),
        ("* OK ${text}", "* OK some text", {"text": String(b"some text")}),
        (r"* FLAGS (${a} \Seen)", r"* FLAGS (\Seen x)", {"a": Atom("x")}),
        (
            '* LIST ${f} ${d} "${prefix}x"',
            r"* LIST (\Marked) NIL t1-x",
            {"f": List((Atom(r"\Marked"),), ordered=False), "d": Nil()},
        ),
        (
            "* 1 FETCH (INTERNALDATE ${d})",
            '* 1 FETCH (INTERNALDATE " 1-Jan-2000 00:00:00 +0000" UID 1)',
            {"d": String(b" 1-Jan-2000 00:00:00 +0000")},
        ),
        ("* ${i} FETCH (UID ${i})", "* 3 FETCH (UID 3)", {"i": Number(3)}),
    ],
)
def test_holes_bind_what_they_see(template: str, line: str, bound: Bindings) -> None:
    assert fit(template, line) == bound


def test_a_name_binds_at_first_sight_and_compares_afterwards() -> None:
    assert fit("* ${i} FETCH (UID ${i})", "* 3 FETCH (UID 4)") == "UID is 4, expected was ${i}"


def test_a_value_compares_in_whatever_position_it_was_captured() -> None:
    assert fit('* LIST () "/" ${x}', '* LIST () "/" {1}\r\na', x=Atom("a"))["x"] == Atom("a")  # type: ignore[index]
    assert fit('* LIST () "/" ${x}', '* LIST () "/" 7', x=Number(7))["x"] == Number(7)  # type: ignore[index]


def test_a_text_with_a_hole_that_is_not_bound_does_not_fit() -> None:
    assert fit('* LIST () "/" ${x}y', '* LIST () "/" y') == 'data is () "/" "y", expected was () "/" "${x}y"'


def test_a_refused_response_is_matched_as_far_as_it_could_be_read() -> None:
    line = "* 1 FETCH (UID 5  FLAGS (\\Seen))"
    assert received(line).problem
    assert fit(r"* 1 FETCH (FLAGS (\Seen) UID 5)", line) == {}


VALUES = st.one_of(
    st.integers(1, 9).map(lambda n: f"UID {n}"),
    st.lists(st.sampled_from([r"\Seen", r"\Deleted", "Work"]), unique=True).map(
        lambda f: f"FLAGS ({' '.join(f)})"
    ),
    st.text("ab ", max_size=3).map(lambda text: f'RFC822.TEXT "{text}"'),
    st.integers(0, 9).map(lambda n: f"RFC822.SIZE {n}"),
)


@given(
    st.integers(1, 9),
    st.lists(VALUES, min_size=1, max_size=4, unique_by=lambda v: v.split()[0]),
    st.randoms(),
)
def test_a_template_made_from_a_response_fits_it(number: int, items: list[str], rng: random.Random) -> None:
    line = f"* {number} FETCH ({' '.join(items)})"
    chosen = rng.sample(items, rng.randint(1, len(items)))
    holes = [f"{item.split()[0]} ${{h{n}}}" if rng.random() < 0.5 else item for n, item in enumerate(chosen)]
    bound = fit(f"* {number} FETCH ({' '.join(holes)})", line)
    assert isinstance(bound, dict)
    assert set(bound) == {f"h{n}" for n, item in enumerate(holes) if "${" in item}
    assert fit(f"* {number} FETCH ({' '.join(holes)})", line, **bound) == bound


SCALARS = st.one_of(
    st.integers(0, 9).map(Number), st.text("aBc", min_size=1, max_size=2).map(Atom), st.just(Nil())
)


@given(st.lists(SCALARS, max_size=4), st.randoms())
def test_unordered_lists_are_equal_in_any_order_and_ordered_ones_are_not(
    values: list[Value], rng: random.Random
) -> None:
    other = rng.sample(values, len(values))
    assert equal(List(tuple(values), ordered=False), List(tuple(other)))
    assert equal(List(tuple(values)), List(tuple(other))) == all(map(equal, values, other))


# ---- merging ------------------------------------------------------------------------------------------------------------


def merged(*lines: str) -> list[str]:
    return [
        each.raw.decode().replace("\r\n", " ").strip()
        for each in merge_fetches([received(line) for line in lines])
    ]


def test_fetches_of_one_message_and_searches_are_merged_at_their_last_piece() -> None:
    assert merged(
        "* 1 FETCH (UID 5)", "* SEARCH 1", "* 2 FETCH (UID 6)", "* 1 FETCH (FLAGS ())", "* SEARCH 2"
    ) == [
        "* 2 FETCH (UID 6)",
        "* 1 FETCH (UID 5) * 1 FETCH (FLAGS ())",
        "* SEARCH 1 * SEARCH 2",
    ]


def test_an_expunge_gives_numbers_to_other_messages() -> None:
    lines = ("* 1 FETCH (UID 5)", "* 1 EXPUNGE", "* 1 FETCH (FLAGS ())")
    assert merged(*lines) == list(lines)


def test_an_expunge_leaves_smaller_numbers_where_they_are() -> None:
    assert merged("* 1 FETCH (UID 5)", "* 2 EXPUNGE", "* 1 FETCH (FLAGS ())") == [
        "* 2 EXPUNGE",
        "* 1 FETCH (UID 5) * 1 FETCH (FLAGS ())",
    ]


def test_large_answers_are_matched_in_bounded_time() -> None:
    numbers = " ".join(map(str, range(1, 20_001)))
    assert fit("* SEARCH 20000 ${...}", f"* SEARCH {numbers}") == {}
    assert isinstance(fit("* SEARCH 7 ${other}", f"* SEARCH {numbers}"), str)
    flags = " ".join(f"k{n}" for n in range(3000))
    arrived = [f"* {n % 3 + 1} FETCH (FLAGS (k{n}))" for n in range(3000)]
    outcome = group(
        "S: * 1 FETCH (FLAGS ${f})\nS: * FLAGS ${k}\nS: OK\n", *arrived, f"* FLAGS ({flags})", "a1 OK x"
    )
    assert outcome.ok
    assert isinstance(fit("* FLAGS ${k}", f"* FLAGS ({flags})", **outcome.bindings), dict)


# ---- groups -------------------------------------------------------------------------------------------------------------


def lines_of(steps: str) -> list[Expect]:
    text = f"title: x\nproves: rfc3501/5.2/x\nstate: selected\n\nC: NOOP\n{steps}"
    steps_ = parse(text, case="x", path="x.imap").steps
    return [step for step in steps_ if isinstance(step, Expect)]


def group(steps: str, *arrived: str, ended: bool = False, **bound: Value) -> GroupOutcome:
    what = Arrived([received(line) for line in arrived], ended, {"": "a1"})
    return match_group(lines_of(steps), what, {**BOUND, **bound})


def told(outcome: GroupOutcome) -> list[tuple[str, int | None]]:
    return [(judged.what, judged.place) for judged in outcome.lines]


def test_a_group_is_met_in_any_order_and_binds() -> None:
    outcome = group(
        "S: * ${count} EXISTS\nS: * OK [UIDNEXT ${next}] ${...}\nS: OK\n",
        "* OK [UIDNEXT 9] x",
        "* 0 RECENT",
        "* 3 EXISTS",
        "a1 OK done",
    )
    assert told(outcome) == [("ok", 2), ("ok", 0), ("ok", 3)]
    assert outcome.bindings == {**BOUND, "count": Number(3), "next": Number(9)}
    assert outcome.taken == {0, 2, 3}
    assert outcome.ok


def test_lines_take_responses_of_their_own() -> None:
    steps = 'S: * LIST ${} ${} ${x}\nS: * LIST () "/" a\nS: OK\n'
    outcome = group(steps, '* LIST () "/" a', '* LIST () "/" b', "a1 OK x")
    assert told(outcome) == [("ok", 1), ("ok", 0), ("ok", 2)]
    assert outcome.bindings["x"] == String(b"b")
    assert told(group(steps, '* LIST () "/" a', "a1 OK x")) == [("ok", 0), ("missing", None), ("ok", 1)]


def test_a_hole_decides_which_response_another_line_takes() -> None:
    outcome = group(
        "S: * ${i} FETCH (FLAGS (x))\nS: * ${i} FETCH (UID ${u})\nS: OK\n",
        "* 1 FETCH (FLAGS (x))",
        "* 2 FETCH (UID 9)",
        "* 2 FETCH (FLAGS (x))",
        "a1 OK x",
    )
    assert outcome.bindings["i"] == Number(2)
    assert outcome.bindings["u"] == Number(9)


def test_fetch_lines_share_a_message() -> None:
    steps = "S: * 1 FETCH (UID ${u})\nS: * 1 FETCH (FLAGS ${f})\nS: OK\n"
    outcome = group(steps, "* 1 FETCH (UID 5)", "* 1 FETCH (FLAGS ())", "a1 OK x")
    assert told(outcome) == [("ok", 1), ("ok", 1), ("ok", 2)]
    assert outcome.taken == {0, 1, 2}


def test_of_two_values_of_an_item_the_latest_is_bound_and_either_is_accepted() -> None:
    arrived = ("* 1 FETCH (FLAGS (a))", "* 1 FETCH (FLAGS (b))", "a1 OK x")
    assert group("S: * 1 FETCH (FLAGS ${f})\nS: OK\n", *arrived).bindings["f"] == List(
        (Atom("b"),), ordered=False
    )
    assert group("S: * 1 FETCH (FLAGS (a))\nS: OK\n", *arrived).ok


def test_search_responses_are_one_set() -> None:
    assert group("S: * SEARCH 1 2 3\nS: OK\n", "* SEARCH 3", "* SEARCH 1 2", "a1 OK x").ok
    assert told(group("S: * SEARCH 1 2\nS: OK\n", "* SEARCH 3 1", "* SEARCH 2", "a1 OK x"))[0] == (
        "mismatch",
        1,
    )


def test_an_ordered_line_needs_a_response_behind_the_line_before() -> None:
    steps = "S: * BYE\nS> OK\n"
    assert told(group(steps, "* BYE x", "a1 OK x")) == [("ok", 0), ("ok", 1)]
    assert told(group(steps, "a1 OK x", "* BYE x")) == [("ok", 1), ("order", 0)]
    assert told(group(steps, "a1 NO x", "* BYE x")) == [("ok", 1), ("NO", 0)]
    steps = "S: * ${} EXISTS\nS> * ${} RECENT\nS: OK\n"
    assert told(group(steps, "* 1 RECENT", "* 2 EXISTS", "a1 OK x"))[1] == ("order", 0)
    assert told(group(steps, "* 2 EXISTS", "a1 OK x"))[1] == ("missing", None)
    steps = "S: * 2 EXISTS\nS> * 2 EXISTS\nS: OK\n"
    assert told(group(steps, "* 2 EXISTS", "a1 OK x"))[1] == ("missing", None)


def test_an_optional_line_binds_if_it_arrives() -> None:
    steps = "S? * ${n2} EXISTS\nS: OK\n"
    assert group(steps, "* 3 EXISTS", "a1 OK x").bindings["n2"] == Number(3)
    absent = group(steps, "a1 OK x")
    assert told(absent) == [("ok", None), ("ok", 0)]
    assert "n2" not in absent.bindings


def test_a_required_line_takes_precedence_over_an_optional_one() -> None:
    assert told(group("S? * ${} EXISTS\nS: * 3 EXISTS\nS: OK\n", "* 3 EXISTS", "a1 OK x"))[:2] == [
        ("ok", None),
        ("ok", 0),
    ]


def test_outcomes_are_tried_in_order_and_weaker_ones_last() -> None:
    steps = "S: * 3 EXISTS -> WARN late | * 4 EXISTS -> INFO early | * 5 EXISTS\nS: OK\n"
    weak = group(steps, "* 4 EXISTS", "* 3 EXISTS", "a1 OK x").lines[0].outcome
    assert weak
    assert (weak.verdict, weak.words) == ("WARN", "late")
    strong = group(steps, "* 4 EXISTS", "* 5 EXISTS", "a1 OK x").lines[0].outcome
    assert strong
    assert strong.verdict is None


def test_no_line_takes_a_weaker_outcome_that_another_assignment_avoids() -> None:
    outcome = group(
        "S: * LIST ${} ${} ${}\nS: * LIST ${} ${} a | * LIST ${} ${} b -> WARN b\nS: OK\n",
        '* LIST () "/" a',
        '* LIST () "/" b',
        "a1 OK x",
    )
    assert told(outcome) == [("ok", 1), ("ok", 0), ("ok", 2)]


def test_what_must_not_arrive_is_found_at_its_place() -> None:
    outcome = group("S! * ${i} EXPUNGE\nS: OK\n", "* 3 EXISTS", "* 2 EXPUNGE", "* 1 EXPUNGE", "a1 OK x")
    assert told(outcome) == [("unwanted", 1), ("ok", 3)]
    assert outcome.lines[0].actual == "* 2 EXPUNGE"
    assert outcome.lines[0].expected == "no * ${i} EXPUNGE"
    assert "i" not in outcome.bindings
    assert group("S! * ${i} EXPUNGE\nS: OK\n", "* 2 EXPUNGE", "a1 OK x", i=Number(1)).ok


def test_what_another_line_expects_is_not_unwanted() -> None:
    steps = "S: * LIST ${} ${} a\nS! * LIST ${...}\nS: OK\n"
    assert group(steps, '* LIST () "/" a', "a1 OK x").ok
    assert told(group(steps, '* LIST () "/" a', '* LIST () "/" b', "a1 OK x"))[1] == ("unwanted", 1)
    listed = group("S: * LIST ${} ${} ${x}\nS! * LIST ${} ${} ${x}\nS: OK\n", '* LIST () "/" a', "a1 OK x")
    assert listed.ok
    shared = group(
        "S: * 1 FETCH (UID ${u})\nS! * 1 FETCH (FLAGS ${})\nS: OK\n", "* 1 FETCH (FLAGS () UID 5)", "a1 OK x"
    )
    assert told(shared)[1] == ("unwanted", 0)


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ("S: * LIST ${} ${} ${}\nS! * LIST ${} ${} ${prefix}x\n", "* LIST () NIL t1-x"),
        ("S: * LIST ${} ${} ${x}\nS! * LIST ${} ${} ${prefix}x\n", "* LIST () NIL t1-x"),
        (
            "S: * LIST ${} ${} ${prefix}x\nS! * LIST (\\Noselect ${...}) ${} ${}\n",
            "* LIST (\\Noselect) NIL t1-x",
        ),
        ("S: * FLAGS (${...})\nS! * FLAGS (\\Draft ${...})\n", "* FLAGS (\\Seen \\Draft)"),
        ("S: * ${count} EXISTS\nS! * 7 EXISTS\n", "* 7 EXISTS"),
        ("S: * ${count} EXISTS\nS! * ${n} EXISTS\n", "* 7 EXISTS"),
        ("S: * STATUS x (MESSAGES ${})\nS! * STATUS x (UIDNEXT ${})\n", "* STATUS x (MESSAGES 1 UIDNEXT 2)"),
        ("S: * OK ${...}\nS! * OK [ALERT] ${...}\n", "* OK [ALERT] x"),
    ],
)
def test_what_an_expected_response_says_besides_can_be_unwanted(steps: str, line: str) -> None:
    assert told(group(f"{steps}S: OK\n", line, "a1 OK x"))[:2] == [("ok", 0), ("unwanted", 0)]


def test_a_completion_can_be_expected_and_its_code_unwanted() -> None:
    assert told(group("S! OK [READ-WRITE] ${...}\nS: OK\n", "a1 OK [READ-WRITE] x")) == [
        ("unwanted", 0),
        ("ok", 0),
    ]
    assert group("S! OK [READ-WRITE] ${...}\nS: OK\n", "a1 OK [READ-ONLY] x").ok


def test_a_completion_of_another_command_is_not_meant() -> None:
    assert told(group("S: OK\n", "a0 OK x")) == [("missing", None)]
    text = "C a: NOOP\nS a: OK\nS b: OK\n"
    lines = lines_of(f"S: OK\nC~ b CHECK\\r\\n\n{text}")[1:]
    arrived = Arrived([received("b OK x"), received("a7 OK x")], tags={"": "a7", "a": "a7"})
    assert told(match_group(lines, arrived, {})) == [("ok", 1), ("ok", 0)]


def test_the_end_is_an_outcome_with_or_without_bye() -> None:
    assert told(group("S: end\n", ended=True)) == [("ok", 0)]
    assert told(group("S: end BYE\n", "* BYE x", ended=True)) == [("ok", 1)]
    assert told(group("S: end BYE\n", ended=True)) == [("closed", 0)]
    assert told(group("S: end\n", "* BYE x")) == [("missing", None)]
    assert told(group("S: end\n", "* BYE x", "a1 OK x")) == [("open", 1)]
    assert told(group("S: end BYE\n", "a1 OK x", ended=True)) == [("closed", 1)]
    assert told(group("S: OK | end -> INFO closed\n", ended=True)) == [("ok", 0)]
    assert told(group("S! end\nS: OK\n", "a1 OK x", ended=True)) == [("unwanted", 1), ("ok", 0)]


@pytest.mark.parametrize(
    ("steps", "arrived", "ended", "said"),
    [
        ("S: OK\n", ["a1 NO no"], False, ("NO", "a1 NO no", "")),
        ("S: NO | BAD\n", ["a1 OK yes"], False, ("OK", "a1 OK yes", "")),
        ("S: +\nC~ x\\r\\n\nS: OK\n", ["a1 BAD no"], False, ("BAD", "a1 BAD no", "")),
        (
            "S: OK [READ-ONLY]\n",
            ["a1 OK x"],
            False,
            ("mismatch", "a1 OK x", "response code is missing, expected was [READ-ONLY]"),
        ),
        (
            "S: * 1 FETCH (UID 5)\nS: OK\n",
            ["* 1 FETCH (UID 6)", "a1 OK x"],
            False,
            ("mismatch", "* 1 FETCH (UID 6)", "UID is 6, expected was 5"),
        ),
        (
            "S: * 1 FETCH (UID 5)\nS: OK\n",
            ["* 2 FETCH (UID 5)", "* 1 FETCH (UID 6)", "a1 OK x"],
            False,
            ("mismatch", "* 1 FETCH (UID 6)", "UID is 6, expected was 5"),
        ),
        (
            "S: * OK [UIDNEXT 5] ${...}\nS: OK\n",
            ["* OK [UIDVALIDITY 5] x", "* OK [UIDNEXT 6] x", "* OK [UNSEEN 5] x", "a1 OK x"],
            False,
            ("mismatch", "* OK [UIDNEXT 6] x", "response code is [UIDNEXT 6], expected was [UIDNEXT 5]"),
        ),
        (
            "S: * BYE\nS> OK\n",
            ["a1 OK x"],
            False,
            ("missing", "a1 OK x", ""),
        ),
        ("S: end\n", ["a1 OK x"], False, ("open", "a1 OK x", "the connection stayed open")),
        ("S: * 3 EXISTS\nS: OK\n", ["a1 NO no"], False, ("missing", "a1 NO no", "")),
        ("S: * 3 EXISTS\nS: OK\n", [], True, ("closed", "", "")),
        ("S: OK\n", ["* BYE x"], True, ("closed", "", "")),
        ("S: OK\n", [], False, ("missing", "", "")),
    ],
)
def test_a_line_that_is_not_met_says_what_came_instead(
    steps: str, arrived: list[str], ended: bool, said: tuple[str, str, str]
) -> None:
    judged = group(steps, *arrived, ended=ended).lines[0]
    assert (judged.what, judged.actual, judged.difference) == said


def test_expected_lists_all_outcomes_as_written() -> None:
    steps = "S: OK -> INFO deleted at once  |  NO [ALERT] ${...} -> WARN | end BYE\n"
    assert (
        group(steps).lines[0].expected == "OK -> INFO deleted at once | NO [ALERT] ${...} -> WARN | end BYE"
    )


def test_a_poll_is_a_line_that_must_be_met() -> None:
    text = "title: x\nproves: rfc3501/5.2/x\nstate: selected\n\npoll [rfc3501/5.2/y]: * 3 EXISTS\n"
    (poll,) = parse(text, case="x", path="x.imap").steps
    assert isinstance(poll, Poll)
    line = expect_of(poll)
    assert (line.mode, line.requirement, line.outcomes) == ("must", "rfc3501/5.2/y", poll.outcomes)
    assert match_group([line], Arrived([received("* 3 EXISTS")]), {}).ok


def test_a_group_that_cannot_be_met_is_judged_in_bounded_time() -> None:
    steps = (
        "".join(f"S: * LIST ${{}} ${{}} ${{x{n}}}\n" for n in range(8)) + 'S: * LIST () "/" ${x0}\nS: OK\n'
    )
    arrived = [f'* LIST () "/" m{n}' for n in range(30)]
    assert told(group(steps, *arrived, "a1 OK x"))[8][0] != "ok"


LINES = [
    "S: * ${n1} EXISTS\n",
    "S: * LIST ${} ${} ${m}\n",
    'S: * LIST () "/" ${m2}\n',
    "S? * ${r} RECENT\n",
    "S: * 1 FETCH (UID ${u})\n",
    "S! * ${} EXPUNGE\n",
    "S: * SEARCH ${...}\n",
    r"S: * FLAGS (\Seen ${...}) | * FLAGS () -> WARN none" + "\n",
]
UNTAGGED = [
    "* 3 EXISTS",
    '* LIST () "/" a',
    '* LIST (x) "/" b',
    "* 0 RECENT",
    "* 1 FETCH (UID 5)",
    "* 2 EXPUNGE",
    "* SEARCH 1",
    r"* FLAGS (\Seen x)",
    "* FLAGS ()",
]


@given(st.sets(st.sampled_from(LINES)), st.sets(st.sampled_from(UNTAGGED)), st.randoms())
def test_the_order_of_untagged_responses_does_not_matter(
    lines: set[str], untagged: set[str], rng: random.Random
) -> None:
    steps = "".join(sorted(lines)) + "S: OK\n"
    one, other = sorted(untagged), rng.sample(sorted(untagged), len(untagged))
    first, second = (group(steps, *arrived, "a1 OK x") for arrived in (one, other))
    assert [judged.what for judged in first.lines] == [judged.what for judged in second.lines]
    verdicts = [
        [judged.outcome and judged.outcome.verdict for judged in each.lines] for each in (first, second)
    ]
    assert verdicts[0] == verdicts[1]


# ---- texts and assertions -----------------------------------------------------------------------------------------------


def test_a_text_is_rendered_with_what_its_holes_are_bound_to() -> None:
    assert (
        render("${prefix}x ${n} ${flags} ${nil} ${$}{x} \xff", BOUND)
        == rb"t1-x 7 (\Seen Work) NIL ${x} " + b"\xff"
    )
    assert render("ON ${date:day} ${flags:count}", BOUND) == b"ON 7-Feb-1994 2"


def test_a_hole_without_value_or_with_the_wrong_one_is_reported() -> None:
    with pytest.raises(KeyError, match="missing"):
        render("${missing}", BOUND)
    with pytest.raises(MisfitError, match="7 is no list, its elements cannot be counted"):
        render("${n:count}", BOUND)
    with pytest.raises(MisfitError, match='"t1-" is no INTERNALDATE, it has no day'):
        render("${prefix:day}", BOUND)


def test_what_a_hole_puts_into_a_command_stays_one_argument() -> None:
    known: Bindings = {
        **BOUND,
        "delimiter": String(b"\\"),
        "user": String(b'the "cat"'),
        "name": String(b"${n} a"),
        "nothing": String(b""),
    }
    assert render_command('LIST "" "${prefix}x${delimiter}%"', known) == rb'LIST "" "t1-x\\%"'
    assert render_command("LIST ${prefix}x${delimiter} ${prefix}*", known) == rb'LIST "t1-x\\" t1-*'
    assert render_command('LOGIN ${user} "a ${user}" "\\"${$}"', known) == (
        rb'LOGIN "the \"cat\"" "a the \"cat\"" "\"$"'
    )
    assert render_command("STATUS ${name} (MESSAGES)", known) == b'STATUS "${n} a" (MESSAGES)'
    assert render_command("SELECT ${nothing}", known) == b'SELECT ""'
    assert render_command(r"STORE ${n}:* FLAGS (${flag} ${$}{x})", {**known, "flag": Atom(r"\Seen")}) == (
        rb"STORE 7:* FLAGS (\Seen ${x})"
    )
    assert render_command("STORE 1 FLAGS ${flags}", known) == rb"STORE 1 FLAGS (\Seen Work)"
    assert render_command("SEARCH ON ${date:day} NOT (ON ${date:day})", known) == (
        b"SEARCH ON 7-Feb-1994 NOT (ON 7-Feb-1994)"
    )
    with pytest.raises(KeyError, match="missing"):
        render_command("${missing}", known)


def holds(text: str, **bound: Value) -> str | None:
    known = {**BOUND, **bound}
    holes = "".join(f"S? * ${{x}} EXISTS\nS? * FLAGS ${{{name}}}\n" for name in known)
    full = f"title: x\nproves: rfc3501/5.2/x\nstate: selected\n\nC: NOOP\n{holes}S: OK\nassert: {text}\n"
    step = parse(full, case="x", path="x.imap").steps[-1]
    assert isinstance(step, Assert)
    found = evaluate(step, known)
    return found if isinstance(found, str) else None


@pytest.mark.parametrize(
    "text",
    [
        "6 < ${n} <= 7 < 8",
        "${n} > 6",
        "10 >= ${n}",
        "${n} = 7",
        "${n} != 8",
        r"\seen in ${flags}",
        r"\Recent not in ${flags}",
        "${flags} same set ${flags}",
        "${flags} = ${flags}",
        "${flags:count} = 2",
        "${date:day} = 7-feb-1994",
        '${prefix} = "t1-"',
        "${prefix}x = t1-x",
        "${prefix} != T1-",
        "${nil} = NIL",
        "${n} != NIL",
        "${number} = 010",
        "${number} > 9",
        "${date:instant} = ${other:instant}",
        "${date:instant} <= ${other:instant} <= ${date:instant}",
        "${date} != ${other}",
        '${date:instant} = "8-feb-1994 06:43:04 +0000"',
        '"07-Feb-1994 22:43:03 -0800" < ${date:instant} < " 8-Feb-1994 08:43:05 +0200"',
        '${date:instant} != "07-Feb-1994 22:43:05 -0800"',
        '" 1-Jan-0001 00:00:00 +0000" < ${date:instant}',
    ],
)
def test_assertions_that_hold(text: str) -> None:
    assert holds(text, number=String(b"010"), other=String(b"08-FEB-1994 07:43:04 +0100")) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("6 < ${n} < 7", "7 < 7 does not hold"),
        ("${prefix} = x", '"t1-" = x does not hold'),
        (r"\Recent in ${flags}", r"\Recent in (\Seen Work) does not hold"),
        ("${flags} same set ${other}", r"(\Seen Work) same set (Work) does not hold"),
        ("${prefix} < 3", '"t1-" is no number'),
        ("${nil} < 3", "NIL is no number"),
        ("3 in ${n}", "7 is no list"),
        ("${n:day} = x", "7 is no INTERNALDATE, it has no day"),
        (
            "${date:instant} < ${date}",
            "08-Feb-1994 06:43:04 +0000 < 08-Feb-1994 06:43:04 +0000 does not hold",
        ),
        (
            '${date:instant} = "07-Feb-1994 22:43:04 -0700"',
            "08-Feb-1994 06:43:04 +0000 = 08-Feb-1994 05:43:04 +0000 does not hold",
        ),
        ("${date:instant} = 7", "7 is no INTERNALDATE, it has no instant"),
        (
            '${date:instant} = "30-Feb-1994 22:43:04 -0700"',
            "30-Feb-1994 22:43:04 -0700 is no INTERNALDATE, it has no instant",
        ),
        (
            '${date:instant} = " 1-Jan-0001 00:00:00 +0100"',
            " 1-Jan-0001 00:00:00 +0100 is no INTERNALDATE, it has no instant",
        ),
        ("${n:instant} < 3", "7 is no INTERNALDATE, it has no instant"),
        ("${x} < 3", "${x} was never bound: the line that would have bound it did not arrive"),
    ],
)
def test_assertions_that_do_not_hold_say_why(text: str, sentence: str) -> None:
    assert holds(text, other=List((Atom("Work"),))) == sentence
