r"""The mistakes that scenario authors make: how each is recognised, what is said about it, and how it is mended.

Knows: the wording of every `ScenarioError`. Must not know: how a file is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from conformance.errors import ScenarioError, nearest

Zone = Literal["header", "steps"]


@dataclass(frozen=True)
class Mistake:
    """One kind of mistake. `problem` and `remedy` are %-formats."""

    problem: str
    remedy: str


@dataclass(frozen=True)
class SyntaxMistake(Mistake):
    """A mistake that keeps the grammar from reading a line of a part of the file (`zone`).

    It is recognised by what was read of the line (`before` matches all of it) and what stands there instead of what the grammar
    wants (`at` matches its beginning). Named groups are words of the formats.
    """

    zone: Zone
    at: str
    before: str = r".*"


#: Steps that cannot be mistaken for a header line.
STEP = re.compile(
    r"(?:[A-Z]\w* )?(?:C~|[CS][^:\w]*[: ]|S[?!>]|poll\b|sasl\b|assert\b|(?:reconnect|close|tls|listen)\b(?! *:))"
)

_KEYS = "title|proves|state|messages|connections|requires|delivery|touches"
_CONNECTION = r"(?:[A-Za-z]\w* )?"
_RELATION = r"(?:<=|>=|!=|<|>|=|not in|in|same set)"
_NOTHING = r" *(?:#|$)"

#: In this order: the first that fits names the mistake.
SYNTAX: dict[str, SyntaxMistake] = {
    "missing-blank-line": SyntaxMistake(
        "a step stands in the header",
        "Put one blank line between the header and the steps.",
        "header",
        at=STEP.pattern,
        before="",
    ),
    "half-indented": SyntaxMistake(
        "an indented line continues nothing",
        "Begin each key at the start of its line, and a continued value with two spaces or more.",
        "header",
        at=r" ",
        before="",
    ),
    "no-colon-in-header": SyntaxMistake(
        "a line of the header is no `key: value`",
        "Write `key: value`; a long value continues on lines that begin with two spaces.",
        "header",
        at=r"",
    ),
    "indented-step": SyntaxMistake(
        "a step is indented",
        "Begin each step at the start of its line; a step stands on one line, however long.",
        "steps",
        at=r" ",
        before="",
    ),
    "header-among-steps": SyntaxMistake(
        "a header line stands among the steps",
        "Move it above the first blank line: a blank line ends the header.",
        "steps",
        at=rf"(?:{_KEYS}):",
        before="",
    ),
    "missing-colon": SyntaxMistake(
        "`%(word)s` has no colon",
        "Write a colon and a space behind it: `C: NOOP`, `S: OK`, `S a [rfc3501/6.1.2/slug]: OK`, `poll: ...`, `assert: ...`.",
        "steps",
        at=r"",
        before=rf"{_CONNECTION}(?P<word>C|S|poll|sasl|assert)(?: [^:]*)?",
    ),
    "nothing-to-send": SyntaxMistake(
        "there is nothing to send",
        r"Write the command behind `C:`, without its tag; `C~` sends octets as they are, an empty line is `C~ \r\n`.",
        "steps",
        at=_NOTHING,
        before=rf"{_CONNECTION}C(?:~|[^:]*:) *",
    ),
    "unclosed-quote": SyntaxMistake(
        "this quote is never closed",
        r"Close it; to send a lone quote write `\x22` in a `C~` line.",
        "steps",
        at=r'"',
    ),
    "unclosed-hole": SyntaxMistake(
        "this hole is never closed",
        "Write `${name}`; to send a dollar sign in front of a brace write `${$}{`.",
        "steps",
        at=r"\$\{",
    ),
    "literal-syntax": SyntaxMistake(
        "this is no literal",
        'Write {text "..."} or {file name}, without waiting {+text "..."} or {+file name}; the count is ours. '
        '{base64 "..."} encodes a text. '
        "Other braces are sent with `C~`.",
        "steps",
        at=r"\{",
    ),
    "unknown-verdict": SyntaxMistake(
        "`->` is not followed by a verdict",
        "Write `-> WARN words` or `-> INFO words`; an outcome without a verdict is what was expected.",
        "steps",
        at=r"",
        before=r".*->(?: *| .*)",
    ),
    "nothing-expected": SyntaxMistake(
        "there is nothing to expect",
        "Write a template: `S: OK`, `S: * 1 FETCH (UID ${u})`, `S: end BYE`.",
        "steps",
        at=_NOTHING,
        before=rf"{_CONNECTION}(?:S|poll)[^|]*",
    ),
    "empty-outcome": SyntaxMistake(
        "an outcome is empty",
        "Write a template on both sides of ` | `: `S: OK | NO -> INFO refused`.",
        "steps",
        at=r" *\||" + _NOTHING,
        before=r".*(?:\||:) *|.*(?= \|)",
    ),
    "one-sided-assert": SyntaxMistake(
        "an assertion needs an operand on both sides of its relation",
        "Write `assert: ${u1} < ${u2}`.",
        "steps",
        at=rf"{_RELATION}?{_NOTHING}",
        before=rf"{_CONNECTION}assert.*:.*",
    ),
    "unknown-relation": SyntaxMistake(
        "this is no relation",
        "The relations are < <= > >= = != in, `not in` and `same set`, with a space on both sides.",
        "steps",
        at=r"[^ \n]",
        before=rf"{_CONNECTION}assert.*: *[^ ].* ",
    ),
    "tls-outcome": SyntaxMistake(
        "`tls` has no other outcome than `end`",
        "Write `tls`, or `tls | end -> INFO words` where a refused handshake is accepted as well.",
        "steps",
        at=r"",
        before=rf"{_CONNECTION}tls.*",
    ),
    "tls-colon": SyntaxMistake(
        "`tls` takes no template",
        "Write `tls`, or `tls | end -> INFO words` where a refused handshake is accepted as well.",
        "steps",
        at=rf"{_CONNECTION}tls\b",
    ),
    "assert-with-connection": SyntaxMistake(
        "an assertion belongs to no connection",
        "Begin the line with `assert:`; what holes are bound to is shared by all connections.",
        "steps",
        at=r"[A-Za-z]\w* +assert\b",
        before="",
    ),
    "unknown-step": SyntaxMistake(
        "`%(word)s` begins no step%(near)s",
        "A step begins with C: C~ S: S? S! S> poll: sasl: assert: listen reconnect tls or close, behind the name of its connection if the "
        "scenario has several.",
        "steps",
        at=r"(?P<word>[^\s:]+:?)",
        before="",
    ),
    "trailing-text": SyntaxMistake(
        "the step ends before this",
        "Remove it, or write it as a comment: a space, `#` and a space.",
        "steps",
        at=r"",
    ),
}

#: Mistakes of meaning, raised by name.
MEANING: dict[str, Mistake] = {
    "not-utf8": Mistake(
        "the file is not UTF-8 from here on",
        r"Save it as UTF-8; other octets are written as `\xHH` in `C~` lines and in literals.",
    ),
    "tab": Mistake(
        "there is a tab in the file",
        r"Write spaces; a tab to be sent is `\t` in a `C~` line or a literal.",
    ),
    "no-header": Mistake(
        "the file is empty",
        "Begin with `title:`, `proves:` and `state:`, then a blank line, then the steps.",
    ),
    "no-steps": Mistake(
        "the scenario has no steps",
        "Write the steps below the header, behind one blank line.",
    ),
    "missing-key": Mistake(
        "the header has no `%(key)s:`",
        "Add a line such as `%(example)s`.",
    ),
    "unknown-key": Mistake(
        "`%(word)s` is no header key%(near)s",
        "The keys are %(known)s.",
    ),
    "duplicate-key": Mistake(
        "`%(word)s:` stands twice in the header",
        "Keep one; a long value continues on lines that begin with two spaces.",
    ),
    "empty-value": Mistake(
        "`%(word)s:` has no value",
        "Write the value, or remove the line.",
    ),
    "unknown-value": Mistake(
        "`%(word)s` is no value of `%(key)s:`%(near)s",
        "The values are %(known)s.",
    ),
    "one-value": Mistake(
        "`%(key)s:` takes one value",
        "Keep one of %(known)s.",
    ),
    "bad-messages": Mistake(
        "`%(word)s` is not a number of messages and perhaps a file",
        "Write `messages: 3`, or `messages: 3 simple.eml`.",
    ),
    "no-mailbox": Mistake(
        "`messages:` needs a mailbox, and the state `%(state)s` has none",
        "Use the state created, appended or selected, or append the messages in the steps.",
    ),
    "bad-connection": Mistake(
        "`%(word)s` is no name of a connection",
        "Use letters and digits, a letter first, but not C or S alone; `B@2` is a connection B of the second account.",
    ),
    "connection-twice": Mistake(
        "the connection `%(word)s` stands twice",
        "Give each connection a name of its own.",
    ),
    "malformed-requirement": Mistake(
        "`%(word)s` has not the form of a requirement id",
        "Write rfcNNNN/SECTION/SLUG, for example rfc3501/6.3.1/failed-select-deselects; a step may also be `[given]`.",
    ),
    "malformed-capability": Mistake(
        "`%(word)s` is no name of a capability",
        "Write it as a server announces it, for example LITERAL+ or AUTH=PLAIN; `!NAME` asks for its absence.",
    ),
    "unknown-connection": Mistake(
        "there is no connection `%(word)s`%(near)s",
        "This scenario has %(known)s; `connections:` declares them.",
    ),
    "missing-connection": Mistake(
        "the step does not say which connection it is for",
        "Begin the line with one of %(known)s.",
    ),
    "bad-escape": Mistake(
        "`%(word)s` is no escape",
        r"The escapes are \r \n \t \0 \\ \" and \xHH with two hexadecimal digits.",
    ),
    "bad-hole": Mistake(
        "`%(word)s` is no name of a hole",
        "Write a lower-case letter, then letters, digits, _ or -, perhaps an accessor: `${uid}`, `${date:day}`.",
    ),
    "wildcard": Mistake(
        "`%(word)s` has no value",
        "Name a hole that an earlier line binds; `${}` and `${...}` only match, in templates.",
    ),
    "unknown-accessor": Mistake(
        "`:%(word)s` is no accessor%(near)s",
        "The accessors are `:day` and `:instant` (the date, the point in time of an INTERNALDATE) and `:count` (the length of a list).",
    ),
    "accessor-in-template": Mistake(
        "an accessor cannot stand in a template",
        "Bind the whole value, and compare its part with `assert:`.",
    ),
    "missing-file": Mistake(
        "there is no message file `%(word)s`",
        "Put it beside the scenario or into scenarios/messages.",
    ),
    "literal-plus": Mistake(
        "a literal that does not wait needs a capability",
        "Add `requires: LITERAL+` (or LITERAL-) to the header, or send the octets with `C~`.",
    ),
    "no-hierarchy": Mistake(
        "a text with `${delimiter}` needs a hierarchy",
        "Add `requires: hierarchy` to the header; by itself, in a template, the hole also fits the NIL of a flat server.",
    ),
    "unknown-mechanism": Mistake(
        "`%(word)s` is no mechanism that we know%(near)s",
        "The mechanisms are %(known)s. The exchange of another is written out with `C:`, `S: +` and `C~`.",
    ),
    "mechanism-offered": Mistake(
        "the server need not offer this mechanism",
        "Add `requires: AUTH=%(word)s` to the header.",
    ),
    "operator-spaces": Mistake(
        "`%(word)s` has no space on each side",
        "Write `OK | NO -> INFO refused`; without the spaces it is text.",
    ),
    "template-refused": Mistake(
        "the template is refused: `%(found)s` in %(rule)s",
        "Expected here: %(expected)s.",
    ),
    "undeclared-label": Mistake(
        "no command of this connection has the label `%(word)s`%(near)s",
        "Declare it in the line that sends the command, `C %(word)s: ...`, or send it as the tag of a `C~` line.",
    ),
    "label-in-use": Mistake(
        "the label `%(word)s` belongs to a command that is still open",
        "Use another label, or expect the completion of the first before.",
    ),
    "no-completion": Mistake(
        "the completion of this command is never expected",
        "Add `S: OK` or what else it ends with, also `S: end`; commands in flight together need labels: `C a: ...`, `S a: OK`.",
    ),
    "nothing-sent": Mistake(
        "nothing was sent that this line could answer",
        "Send a command first; `poll:` waits for news, `S: end` for the end of the connection, `S!` needs no command.",
    ),
    "no-previous": Mistake(
        "`S>` has no line before it in its group",
        "Put it below the `S:` line that has to come first.",
    ),
    "mixed-outcomes": Mistake(
        "one of the outcomes ends the group and another does not",
        "Write what is untagged in lines of its own, above the line with the completions.",
    ),
    "closed": Mistake(
        "the connection is closed here",
        "Write `reconnect` first.",
    ),
    "unbound-hole": Mistake(
        "`${%(word)s}` is not bound here%(near)s",
        "An earlier `S:`, `S?` or `poll:` line binds it, or the start state: %(known)s.",
    ),
}

MISTAKES: dict[str, Mistake] = {**SYNTAX, **MEANING}

_STEP_WORDS = (
    "C:",
    "C~",
    "S:",
    "S?",
    "S!",
    "S>",
    "poll:",
    "sasl:",
    "assert:",
    "listen",
    "reconnect",
    "tls",
    "close",
)


@dataclass(frozen=True)
class Source:
    """The text of a scenario file, to point at places in it. Lines and columns count from 1."""

    path: str
    text: str

    def line(self, number: int) -> str:
        """A line without its end; "" behind the last."""
        lines = self.text.split("\n")
        return lines[number - 1] if number <= len(lines) else ""

    def error(self, mistake: str, line: int, column: int = 1, **words: str) -> ScenarioError:
        """The error for a mistake at a place; `words` fill its formats."""
        known = MISTAKES[mistake]
        return ScenarioError(
            self.path, line, column, self.line(line), known.problem % words, known.remedy % words
        )

    def error_at(self, mistake: str, line: int, place: str, **words: str) -> ScenarioError:
        """The same, with the caret where the text `place` first occurs in the line."""
        return self.error(mistake, line, max(self.line(line).find(place), 0) + 1, **words)

    def unreadable(self, zone: Zone, line: int, column: int) -> ScenarioError:
        """The error for a line that the grammar could not read from `column` on, by the table."""
        text = self.line(line)
        read, rest = text[: column - 1], text[column - 1 :]
        for name, mistake in SYNTAX.items():
            before, at = re.fullmatch(mistake.before, read), re.match(mistake.at, rest)
            if mistake.zone == zone and before and at:
                words = {**before.groupdict(), **at.groupdict()}
                return self.error(
                    name, line, column, near=nearest(words.get("word", ""), _STEP_WORDS), **words
                )
        raise AssertionError(f"no syntax mistake fits {text!r}")
