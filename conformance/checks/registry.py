"""Which check answers for which requirement: the one table, and the two functions that apply it."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from conformance.checks import (
    capabilities,
    codes,
    completion,
    delivered,
    envelopes,
    headers,
    lasting,
    mailbox,
    names,
    once,
    quantities,
    structure,
    texts,
    words,
)
from conformance.checks.base import Broken, Outcome, Violation
from conformance.checks.topics import (
    ANY,
    ANY_CODE,
    CAPABILITIES,
    CONTINUATION,
    FLAG_LISTS,
    HEADERS,
    NAMED,
    RFC822,
    STRUCTURES,
    TAGGED,
    TEXTS,
    UNTAGGED,
    Check,
    check,
    topics,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from conformance.grammar import Problem
    from conformance.model import View
    from conformance.response import Response

    Asking = Callable[[View, Response], Outcome]

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

#: Requirement -> its check, and the topics of which a response must have one to concern it.
RESPONSE_CHECKS: dict[str, Check] = {
    "rfc3501/2.2.2/completion-tag": check(completion.completion_tag, TAGGED),
    "rfc3501/2.2.2/one-completion": check(completion.one_completion, TAGGED),
    "rfc3501/2.3.1.1/date-immutable": check(
        partial(lasting.data, "INTERNALDATE".__eq__), "FETCH INTERNALDATE"
    ),
    "rfc3501/2.3.1.1/envelope-immutable": check(partial(lasting.data, "ENVELOPE".__eq__), "FETCH ENVELOPE"),
    "rfc3501/2.3.1.1/message-immutable": check(partial(lasting.data, lasting.is_text), *TEXTS),
    "rfc3501/2.3.1.1/size-immutable": check(partial(lasting.data, "RFC822.SIZE".__eq__), "FETCH RFC822.SIZE"),
    "rfc3501/2.3.1.1/structure-immutable": check(
        partial(lasting.data, frozenset({"BODY", "BODYSTRUCTURE"}).__contains__), *STRUCTURES
    ),
    "rfc3501/2.3.1.1/uidnext-above-uids": check(lasting.next_uid_above, "FETCH UID"),
    "rfc3501/2.3.1.1/uidnext-stays": check(lasting.next_uid_never_falls, TAGGED, "STATUS"),
    "rfc3501/2.3.1.1/uid-constant": check(mailbox.uid_constant, "FETCH UID"),
    "rfc3501/2.3.1.1/uid-ascending": check(mailbox.uid_ascending, "FETCH UID"),
    "rfc3501/2.3.1.1/uidvalidity-constant": check(mailbox.uidvalidity_constant, "[UIDVALIDITY]"),
    "rfc3501/2.3.2/recent-within-exists": check(completion.recent_within_exists, TAGGED),
    "rfc3501/2.3.2/flag-once": check(once_in(once.flags), *FLAG_LISTS),
    "rfc3501/2.3.3/internal-date": check(alone(quantities.internal_date), "FETCH INTERNALDATE"),
    "rfc3501/2.3.4/size-in-octets": check(alone(texts.size_in_octets), "FETCH RFC822.SIZE"),
    "rfc3501/5.1/names-7-bit": check(alone(names.names_7_bit), *NAMED),
    "rfc3501/5.1.3/modified-utf-7": check(alone(names.modified_utf_7), *NAMED),
    "rfc3501/5.2/exists-never-shrinks": check(mailbox.exists_never_shrinks, "EXISTS"),
    "rfc3501/6.1.1/capability-required": check(partial(completion.required_data, "CAPABILITY"), TAGGED),
    "rfc3501/6.1.3/bye-before-ok": check(partial(completion.required_data, "LOGOUT"), TAGGED),
    "rfc3501/6.2.1/tls-at-once": check(completion.tls_at_once, *ANY),
    "rfc3501/6.2.2/challenge-base64": check(words.challenge_base64, CONTINUATION),
    "rfc3501/6.3.1/required-data": check(partial(completion.required_data, "SELECT"), TAGGED),
    "rfc3501/6.3.2/required-data": check(partial(completion.required_data, "EXAMINE"), TAGGED),
    "rfc3501/6.3.2/read-only-code": check(completion.examine_read_only, TAGGED),
    "rfc3501/6.3.10/status-required": check(partial(completion.required_data, "STATUS"), TAGGED),
    "rfc3501/6.3.10/counts-within-messages": check(alone(quantities.counts_within_messages), "STATUS"),
    "rfc3501/6.4.4/search-required": check(partial(completion.required_data, "SEARCH"), TAGGED),
    "rfc3501/6.4.5/all-items": check(delivered.all_items, TAGGED),
    "rfc3501/6.4.5/header-and-text": check(alone(texts.header_and_text), *TEXTS),
    "rfc3501/6.4.5/header-fields-of-header": check(alone(headers.header_fields), "FETCH BODY["),
    "rfc3501/6.4.5/partial-is-substring": check(alone(texts.partial_is_substring), "FETCH BODY["),
    "rfc3501/6.4.5/rfc822-equals-body": check(alone(texts.rfc822_equals_body), *RFC822),
    "rfc3501/6.4.8/uid-included": check(delivered.uid_included, TAGGED),
    "rfc3501/7.1/badcharset-of-search": check(
        partial(codes.of_a_failure, "BADCHARSET", _SEARCHING), "[BADCHARSET]"
    ),
    "rfc3501/7.1/code-registered": check(alone(words.code_registered), ANY_CODE),
    "rfc3501/7.1/permanentflags-known": check(codes.permanent_flags_known, TAGGED),
    "rfc3501/7.1/permanentflags-of-a-mailbox": check(
        partial(codes.of_a_mailbox, "PERMANENTFLAGS"), "[PERMANENTFLAGS]"
    ),
    "rfc3501/7.1/read-only-of-a-mailbox": check(partial(codes.of_a_mailbox, "READ-ONLY"), "[READ-ONLY]"),
    "rfc3501/7.1/read-write-of-a-mailbox": check(partial(codes.of_a_mailbox, "READ-WRITE"), "[READ-WRITE]"),
    "rfc3501/7.1/text-for-people": check(words.text_for_people, "OK", "NO", "BAD", "BYE", "PREAUTH"),
    "rfc3501/7.1/trycreate-of-append-or-copy": check(
        partial(codes.of_a_failure, "TRYCREATE", _FILING), "[TRYCREATE]"
    ),
    "rfc3501/7.1/uidnext-of-a-mailbox": check(partial(codes.of_a_mailbox, "UIDNEXT"), "[UIDNEXT]"),
    "rfc3501/7.1/uidvalidity-of-a-mailbox": check(
        partial(codes.of_a_mailbox, "UIDVALIDITY"), "[UIDVALIDITY]"
    ),
    "rfc3501/7.1/unseen-of-a-mailbox": check(partial(codes.of_a_mailbox, "UNSEEN"), "[UNSEEN]"),
    "rfc3501/7.1/unseen-within-exists": check(codes.unseen_within_exists, TAGGED),
    "rfc3501/7.1.4/preauth-is-authenticated": check(completion.preauth_is_authenticated, TAGGED),
    "rfc3501/7.1.4/preauth-only-greeting": check(completion.preauth_only_greeting, "PREAUTH"),
    "rfc3501/7.1.5/closes-after-bye": check(completion.closes_after_bye, *ANY),
    "rfc3501/7.2.1/automatic-capabilities": check(capabilities.the_same, *CAPABILITIES),
    "rfc3501/7.2.1/imap4rev1": check(mailbox.capability_imap4rev1, *CAPABILITIES),
    "rfc3501/7.2.1/capability-once": check(once_in(once.capabilities), *CAPABILITIES),
    "rfc3501/7.2.1/capability-registered": check(alone(capabilities.registered), *CAPABILITIES),
    "rfc3501/7.2.2/attribute-once": check(once_in(once.attributes), "LIST", "LSUB"),
    "rfc3501/7.2.4/item-once": check(once_in(partial(once.items, "STATUS")), "STATUS"),
    "rfc3501/7.2.5/number-once": check(once_in(once.matches), "SEARCH"),
    "rfc3501/7.2.6/system-flags": check(alone(words.system_flags), "FLAGS"),
    "rfc3501/7.4.1/expunge-in-range": check(mailbox.expunge_in_range, "EXPUNGE"),
    "rfc3501/7.4.1/no-expunge-during-fetch": check(mailbox.no_expunge_during_fetch, UNTAGGED),
    "rfc3501/7.4.1/no-expunge-without-command": check(mailbox.no_expunge_without_command, "EXPUNGE"),
    "rfc3501/7.4.2/envelope-as-header": check(alone(headers.envelope_as_header), "FETCH ENVELOPE"),
    "rfc3501/7.4.2/fetch-in-range": check(mailbox.fetch_in_range, "FETCH"),
    "rfc3501/7.4.2/item-once": check(once_in(partial(once.items, "FETCH")), "FETCH"),
    "rfc3501/7.4.2/body-as-bodystructure": check(
        alone(structure.body_as_bodystructure), "FETCH BODYSTRUCTURE"
    ),
    "rfc3501/7.4.2/body-as-header": check(alone(headers.body_as_header), *STRUCTURES),
    "rfc3501/7.4.2/body-lines": check(alone(structure.body_lines), *STRUCTURES),
    "rfc3501/7.4.2/body-size": check(alone(structure.body_size), *STRUCTURES),
    "rfc3501/7.4.2/body-type-fields": check(alone(structure.type_fields), *STRUCTURES),
    "rfc3501/7.4.2/body-without-extension": check(alone(structure.body_without_extension), "FETCH BODY"),
    "rfc3501/7.4.2/defined-extension-only": check(alone(structure.defined_extension_only), *STRUCTURES),
    "rfc3501/7.4.2/group-has-an-end": check(alone(envelopes.group_has_an_end), "FETCH ENVELOPE"),
    "rfc3501/7.4.2/headers-7-bit": check(alone(texts.headers_7_bit), *HEADERS),
    "rfc3501/7.4.2/multipart-nested": check(alone(structure.multipart_nested), *STRUCTURES),
    "rfc3501/7.4.2/origin-when-asked": check(texts.origin_when_asked, "FETCH BODY["),
    "rfc3501/7.5/continuation-when-due": check(completion.continuation_when_due, CONTINUATION),
    "rfc3501/9/flag-extension": check(alone(words.flag_extension), "FLAGS", "[PERMANENTFLAGS]"),
    "rfc3501/9/imap4-first": check(alone(words.imap4_first), *CAPABILITIES),
    "rfc3501/9/number-range": check(alone(quantities.number_range), UNTAGGED, ANY_CODE),
    "rfc3501/9/zone-minutes": check(alone(quantities.zone_minutes), "FETCH INTERNALDATE"),
}

END_CHECKS: dict[str, Callable[[View, str], Outcome]] = {
    "rfc3501/3.4/bye-before-close": completion.bye_before_close,
}


def on_response(view: View, response: Response, asked: Counter[str]) -> list[Violation]:
    """Ask the checks about a response that it may concern, before the view takes it in. `asked` counts what was answered, met or not."""
    if view.astray:
        return []
    found = [_grammar(response, asked)]
    found += [_ask(name, ask(view, response), asked) for name, ask in concerned(response)]
    return [violation for violation in found if violation]


def concerned(response: Response) -> tuple[tuple[str, Asking], ...]:
    """The checks that a response may concern, in the order of the table."""
    return _concerned(_TOPICS.intersection(topics(response)))


#: What the server cannot make more of: only these topics are told apart.
_TOPICS = frozenset().union(*(row.about for row in RESPONSE_CHECKS.values()))


@lru_cache(maxsize=1024)
def _concerned(about: frozenset[str]) -> tuple[tuple[str, Asking], ...]:
    return tuple((name, row.ask) for name, row in RESPONSE_CHECKS.items() if not row.about.isdisjoint(about))


def at_end(view: View, how: str, asked: Counter[str]) -> list[Violation]:
    """Ask the checks about a connection that the server closed ("closed", "reset", ...)."""
    if view.astray:
        return []
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
    asked[SYNTAX[""]] += 1
    if syntax != SYNTAX[""]:
        asked[syntax] += 1
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
