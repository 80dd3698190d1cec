"""Which check answers for which requirement: the one table, and the two functions that apply it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conformance.checks import completion, mailbox
from conformance.checks.base import Broken, Outcome, Violation

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from conformance.grammar import Problem
    from conformance.model import View
    from conformance.response import Response

#: The requirement of every refusal by the grammar.
SYNTAX = "rfc3501/9/response-syntax"

RESPONSE_CHECKS: dict[str, Callable[[View, Response], Outcome]] = {
    "rfc3501/2.2.2/completion-tag": completion.completion_tag,
    "rfc3501/2.2.2/one-completion": completion.one_completion,
    "rfc3501/2.3.1.1/uid-constant": mailbox.uid_constant,
    "rfc3501/2.3.1.1/uid-ascending": mailbox.uid_ascending,
    "rfc3501/2.3.1.1/uidvalidity-constant": mailbox.uidvalidity_constant,
    "rfc3501/2.3.2/recent-within-exists": completion.recent_within_exists,
    "rfc3501/5.2/exists-never-shrinks": mailbox.exists_never_shrinks,
    "rfc3501/6.1.1/capability-required": partial(completion.required_data, "CAPABILITY"),
    "rfc3501/6.1.3/bye-before-ok": partial(completion.required_data, "LOGOUT"),
    "rfc3501/6.3.1/required-data": partial(completion.required_data, "SELECT"),
    "rfc3501/6.3.2/required-data": partial(completion.required_data, "EXAMINE"),
    "rfc3501/6.3.2/read-only-code": completion.examine_read_only,
    "rfc3501/6.3.10/status-required": partial(completion.required_data, "STATUS"),
    "rfc3501/6.4.4/search-required": partial(completion.required_data, "SEARCH"),
    "rfc3501/7.1.4/preauth-only-greeting": completion.preauth_only_greeting,
    "rfc3501/7.2.1/imap4rev1": mailbox.capability_imap4rev1,
    "rfc3501/7.4.1/expunge-in-range": mailbox.expunge_in_range,
    "rfc3501/7.4.1/no-expunge-during-fetch": mailbox.no_expunge_during_fetch,
    "rfc3501/7.4.1/no-expunge-without-command": mailbox.no_expunge_without_command,
    "rfc3501/7.4.2/fetch-in-range": mailbox.fetch_in_range,
    "rfc3501/7.5/continuation-when-due": completion.continuation_when_due,
}

END_CHECKS: dict[str, Callable[[View, str], Outcome]] = {
    "rfc3501/3.4/bye-before-close": completion.bye_before_close,
}


def on_response(view: View, response: Response, asked: Counter[str]) -> list[Violation]:
    """Ask every check about a response, before the view takes it in. `asked` counts what was answered, met or not."""
    found = [_grammar(response, asked)]
    found += [_ask(name, check(view, response), asked) for name, check in RESPONSE_CHECKS.items()]
    return [violation for violation in found if violation]


def at_end(view: View, how: str, asked: Counter[str]) -> list[Violation]:
    """Ask the checks about a connection that the server closed ("closed", "reset", ...)."""
    found = [_ask(name, check(view, how), asked) for name, check in END_CHECKS.items()]
    return [violation for violation in found if violation]


def _ask(requirement: str, outcome: Outcome, asked: Counter[str]) -> Violation | None:
    if outcome is None:
        return None
    asked[requirement] += 1
    if isinstance(outcome, Broken):
        return Violation(requirement, outcome.kind, outcome.expected, outcome.actual)
    return None


def _grammar(response: Response, asked: Counter[str]) -> Violation | None:
    asked[SYNTAX] += 1
    problem = response.problem
    if problem is None:
        return None
    requirement = next((name for name, fits in DOUBTFUL_SYNTAX.items() if fits(response, problem)), SYNTAX)
    expected = f"{' or '.join(problem.expected)} at octet {problem.offset} ({problem.rule})"
    # The rule is the identity; what stands there differs from run to run.
    return Violation(requirement, problem.rule, expected, problem.found)


def _lacks_text(_response: Response, problem: Problem) -> bool:
    status = ("resp-text", "resp-cond-state", "resp-cond-auth", "resp-cond-bye", "continue-req")
    return problem.rule in status and problem.found == "\\r\\n"


def _header_is_8_bit(response: Response, problem: Problem) -> bool:
    return response.name == "FETCH" and problem.rule == "quoted" and problem.found[:3] in _HIGH


_HIGH = frozenset(f"\\x{digit}" for digit in "89abcdef")

#: What the formal syntax refuses, but other words of the RFC or its successor make doubtful: a warning, under an id of its own.
DOUBTFUL_SYNTAX: dict[str, Callable[[Response, Problem], bool]] = {
    "rfc3501/7.1/text-present": _lacks_text,
    "rfc3501/7.4.2/headers-7-bit": _header_is_8_bit,
}
