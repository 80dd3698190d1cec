"""Which check answers for which requirement: the one table, and the two functions that apply it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from conformance.checks import (
    capabilities,
    codes,
    completion,
    envelopes,
    headers,
    mailbox,
    names,
    once,
    quantities,
    structure,
    texts,
    words,
)
from conformance.checks.base import Broken, Outcome, Violation

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from conformance.grammar import Problem
    from conformance.model import View
    from conformance.response import Response

#: Name of a response -> the requirement whose section gives its form. "+" stands for continuation requests, "" for all others.
SYNTAX = {
    **dict.fromkeys(("OK", "NO", "BAD", "PREAUTH", "BYE"), "rfc3501/7.1/status-syntax"),
    "CAPABILITY": "rfc3501/7.2.1/capability-syntax",
    "LIST": "rfc3501/7.2.2/list-syntax",
    "LSUB": "rfc3501/7.2.3/lsub-syntax",
    "STATUS": "rfc3501/7.2.4/status-syntax",
    "SEARCH": "rfc3501/7.2.5/search-syntax",
    "FLAGS": "rfc3501/7.2.6/flags-syntax",
    "EXISTS": "rfc3501/7.3.1/exists-syntax",
    "RECENT": "rfc3501/7.3.2/recent-syntax",
    "EXPUNGE": "rfc3501/7.4.1/expunge-syntax",
    "FETCH": "rfc3501/7.4.2/fetch-syntax",
    "+": "rfc3501/7.5/continuation-syntax",
    "": "rfc3501/9/response-syntax",
}


def alone(check: Callable[[Response], Outcome]) -> Callable[[View, Response], Outcome]:
    """A check of a response that the grammar accepts, whatever came before it."""

    def asked(_view: View, response: Response) -> Outcome:
        return None if response.problem is not None else check(response)

    return asked


def once_in(lists: Callable[[Response], once.Lists]) -> Callable[[View, Response], Outcome]:
    """A check that nothing is there twice."""
    return alone(partial(once.once, lists))


_SEARCHING = frozenset({"SEARCH", "UID SEARCH"})
_FILING = frozenset({"APPEND", "COPY", "UID COPY"})

RESPONSE_CHECKS: dict[str, Callable[[View, Response], Outcome]] = {
    "rfc3501/2.2.2/completion-tag": completion.completion_tag,
    "rfc3501/2.2.2/one-completion": completion.one_completion,
    "rfc3501/2.3.1.1/uid-constant": mailbox.uid_constant,
    "rfc3501/2.3.1.1/uid-ascending": mailbox.uid_ascending,
    "rfc3501/2.3.1.1/uidvalidity-constant": mailbox.uidvalidity_constant,
    "rfc3501/2.3.2/recent-within-exists": completion.recent_within_exists,
    "rfc3501/2.3.2/flag-once": once_in(once.flags),
    "rfc3501/2.3.3/internal-date": alone(quantities.internal_date),
    "rfc3501/2.3.4/size-in-octets": alone(texts.size_in_octets),
    "rfc3501/5.1/names-7-bit": alone(names.names_7_bit),
    "rfc3501/5.1.3/modified-utf-7": alone(names.modified_utf_7),
    "rfc3501/5.2/exists-never-shrinks": mailbox.exists_never_shrinks,
    "rfc3501/6.1.1/capability-required": partial(completion.required_data, "CAPABILITY"),
    "rfc3501/6.1.3/bye-before-ok": partial(completion.required_data, "LOGOUT"),
    "rfc3501/6.2.1/tls-at-once": completion.tls_at_once,
    "rfc3501/6.2.2/challenge-base64": words.challenge_base64,
    "rfc3501/6.3.1/required-data": partial(completion.required_data, "SELECT"),
    "rfc3501/6.3.2/required-data": partial(completion.required_data, "EXAMINE"),
    "rfc3501/6.3.2/read-only-code": completion.examine_read_only,
    "rfc3501/6.3.10/status-required": partial(completion.required_data, "STATUS"),
    "rfc3501/6.3.10/counts-within-messages": alone(quantities.counts_within_messages),
    "rfc3501/6.4.4/search-required": partial(completion.required_data, "SEARCH"),
    "rfc3501/6.4.5/header-and-text": alone(texts.header_and_text),
    "rfc3501/6.4.5/header-fields-of-header": alone(headers.header_fields),
    "rfc3501/6.4.5/partial-is-substring": alone(texts.partial_is_substring),
    "rfc3501/6.4.5/rfc822-equals-body": alone(texts.rfc822_equals_body),
    "rfc3501/7.1/badcharset-of-search": partial(codes.of_a_failure, "BADCHARSET", _SEARCHING),
    "rfc3501/7.1/code-registered": alone(words.code_registered),
    "rfc3501/7.1/permanentflags-known": codes.permanent_flags_known,
    "rfc3501/7.1/permanentflags-of-a-mailbox": partial(codes.of_a_mailbox, "PERMANENTFLAGS"),
    "rfc3501/7.1/read-only-of-a-mailbox": partial(codes.of_a_mailbox, "READ-ONLY"),
    "rfc3501/7.1/read-write-of-a-mailbox": partial(codes.of_a_mailbox, "READ-WRITE"),
    "rfc3501/7.1/trycreate-of-append-or-copy": partial(codes.of_a_failure, "TRYCREATE", _FILING),
    "rfc3501/7.1/uidnext-of-a-mailbox": partial(codes.of_a_mailbox, "UIDNEXT"),
    "rfc3501/7.1/uidvalidity-of-a-mailbox": partial(codes.of_a_mailbox, "UIDVALIDITY"),
    "rfc3501/7.1/unseen-of-a-mailbox": partial(codes.of_a_mailbox, "UNSEEN"),
    "rfc3501/7.1/unseen-within-exists": codes.unseen_within_exists,
    "rfc3501/7.1.4/preauth-is-authenticated": completion.preauth_is_authenticated,
    "rfc3501/7.1.4/preauth-only-greeting": completion.preauth_only_greeting,
    "rfc3501/7.1.5/closes-after-bye": completion.closes_after_bye,
    "rfc3501/7.2.1/automatic-capabilities": capabilities.the_same,
    "rfc3501/7.2.1/imap4rev1": mailbox.capability_imap4rev1,
    "rfc3501/7.2.1/capability-once": once_in(once.capabilities),
    "rfc3501/7.2.1/capability-registered": alone(capabilities.registered),
    "rfc3501/7.2.2/attribute-once": once_in(once.attributes),
    "rfc3501/7.2.4/item-once": once_in(partial(once.items, "STATUS")),
    "rfc3501/7.2.5/number-once": once_in(once.matches),
    "rfc3501/7.2.6/system-flags": alone(words.system_flags),
    "rfc3501/7.4.1/expunge-in-range": mailbox.expunge_in_range,
    "rfc3501/7.4.1/no-expunge-during-fetch": mailbox.no_expunge_during_fetch,
    "rfc3501/7.4.1/no-expunge-without-command": mailbox.no_expunge_without_command,
    "rfc3501/7.4.2/envelope-as-header": alone(headers.envelope_as_header),
    "rfc3501/7.4.2/fetch-in-range": mailbox.fetch_in_range,
    "rfc3501/7.4.2/item-once": once_in(partial(once.items, "FETCH")),
    "rfc3501/7.4.2/body-as-bodystructure": alone(structure.body_as_bodystructure),
    "rfc3501/7.4.2/body-as-header": alone(headers.body_as_header),
    "rfc3501/7.4.2/body-lines": alone(structure.body_lines),
    "rfc3501/7.4.2/body-size": alone(structure.body_size),
    "rfc3501/7.4.2/body-type-fields": alone(structure.type_fields),
    "rfc3501/7.4.2/body-without-extension": alone(structure.body_without_extension),
    "rfc3501/7.4.2/defined-extension-only": alone(structure.defined_extension_only),
    "rfc3501/7.4.2/group-has-an-end": alone(envelopes.group_has_an_end),
    "rfc3501/7.4.2/headers-7-bit": alone(texts.headers_7_bit),
    "rfc3501/7.4.2/multipart-nested": alone(structure.multipart_nested),
    "rfc3501/7.4.2/origin-when-asked": texts.origin_when_asked,
    "rfc3501/7.5/continuation-when-due": completion.continuation_when_due,
    "rfc3501/9/flag-extension": alone(words.flag_extension),
    "rfc3501/9/imap4-first": alone(words.imap4_first),
    "rfc3501/9/number-range": alone(quantities.number_range),
    "rfc3501/9/zone-minutes": alone(quantities.zone_minutes),
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
    name = "+" if response.kind == "continuation" else response.name or ""
    syntax = SYNTAX.get(name, SYNTAX[""])
    asked.update({SYNTAX[""], syntax})
    problem = response.problem
    if problem is None:
        return None
    requirement = next((name for name, fits in DOUBTFUL_SYNTAX.items() if fits(response, problem)), syntax)
    expected = f"{' or '.join(problem.expected)} at octet {problem.offset} ({problem.rule})"
    # The rule is the identity; what stands there differs from run to run.
    return Violation(requirement, problem.rule, expected, problem.found)


def _lacks_text(_response: Response, problem: Problem) -> bool:
    status = ("resp-text", "resp-cond-state", "resp-cond-auth", "resp-cond-bye", "continue-req")
    return problem.rule in status and problem.found == "\\r\\n"


def _bears_a_tag(name: str, _response: Response, problem: Problem) -> bool:
    return problem.rule == "resp-cond-state" and problem.found.upper().startswith(f"{name} ")


def _is_no_greeting(_response: Response, problem: Problem) -> bool:
    return problem.rule == "greeting"


def _header_is_8_bit(response: Response, problem: Problem) -> bool:
    return response.name == "FETCH" and problem.rule == "quoted" and problem.found[:3] in _HIGH


_HIGH = frozenset(f"\\x{digit}" for digit in "89abcdef")

#: What the formal syntax refuses, but other words of the RFC or its successor make doubtful (or the other way round), or say by
#: themselves: under an id of its own, whose level is our decision.
DOUBTFUL_SYNTAX: dict[str, Callable[[Response, Problem], bool]] = {
    "rfc3501/7.1/greeting": _is_no_greeting,
    "rfc3501/7.1/text-present": _lacks_text,
    "rfc3501/7.1.4/always-untagged": partial(_bears_a_tag, "PREAUTH"),
    "rfc3501/7.1.5/always-untagged": partial(_bears_a_tag, "BYE"),
    "rfc3501/7.4.2/headers-7-bit": _header_is_8_bit,
    "rfc3501/7.4.2/body-type-fields": structure.lacks_type_fields,
}
