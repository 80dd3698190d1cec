"""Texts of a scenario line -> latin-1 texts with holes, one character per octet: escapes, literals, templates.

Knows: escapes, `{text "..."}` and `{file name}`, how a template is handed to the response grammar and where in its line a refused
one went wrong. Must not know: steps, groups, connections.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import response
from conformance.errors import nearest
from conformance.grammar import Refused
from conformance.scenario import holes
from conformance.scenario.syntax import Base64, Literal8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.grammar import Grammar
    from conformance.response import Response
    from conformance.scenario.mistakes import Source
    from conformance.scenario.tree import Word

    #: The octets of a message file, None if there is none of that name.
    ReadFile = Callable[[str], bytes | None]

_WILDCARD = re.compile(r"(?<![^ (\[<])\$\{(?:\.\.\.)?\}(?![^ )\]>])")
#: What looks like an operator, but would be read as text.
_OPERATOR = re.compile(r"\b(?:OK|NO|BAD|BYE|end)(?P<bar>\|)|(?P<arrow>->) ?(?:WARN|INFO)\b")
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|.)")
_ESCAPES = {"\\r": "\r", "\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\", '\\"': '"'}
_LITERAL = re.compile(r'\{(?P<plus>\+?)(?:text "(?P<text>.*)"|file (?P<file>.*))\}')
_MADE = re.compile(r'\{(?:base64|times (?P<times>[0-9]+)) "(?P<text>.*)"\}')


def wire(text: str) -> str:
    """A text as the octets of its UTF-8 form, latin-1."""
    return text.encode("utf-8").decode("latin-1")


@functools.lru_cache(maxsize=1024)
def _template(grammar: Grammar, text: str) -> Response:
    """Scenarios say the same few things again and again."""
    return response.template(grammar, text)


@dataclass(frozen=True)
class Texts:
    """Reads the texts of one file."""

    source: Source
    grammar: Grammar
    read_file: ReadFile

    def command(self, word: Word) -> str:
        """A part of a command, or a word of an assertion: no escapes."""
        self._check_holes(word, word.text)
        return wire(word.text)

    def octets(self, word: Word) -> str:
        """A part of a `C~` line: escapes everywhere."""
        return self._escaped(word, word.text, 0)

    def literal(self, word: Word) -> Literal8:
        """`{text "..."}`, `{file name}` and their forms with `+`, in a command."""
        found = _LITERAL.fullmatch(word.text)
        assert found
        sync = not found["plus"]
        if found["file"] is not None:
            self._file(word, found["file"])
            return Literal8(file=found["file"], sync=sync)
        return Literal8(template=self._escaped(word, found["text"], found.start("text")), sync=sync)

    def made(self, word: Word) -> str | Base64:
        """`{base64 "..."}`, and `{times 3 "..."}` written out."""
        found = _MADE.fullmatch(word.text)
        assert found
        text = self._escaped(word, found["text"], found.start("text"))
        return text * int(found["times"]) if found["times"] else Base64(text)

    def template(self, words: Iterable[Word]) -> Response:
        """The response that a template describes; a refused one is the author's mistake."""
        text, columns, line = "", [1], 1
        for word in words:
            part = self._literal_in_template(word) if word.kind == "LITERAL" else self._template_text(word)
            line, text = word.line, text + part
            inside = (
                [word.column] * len(part)
                if word.kind == "LITERAL"
                else range(word.column, word.column + len(part))
            )
            columns[-1:] = [*inside, word.column + len(word.text)]
        try:
            return _template(self.grammar, text)
        except Refused as refused:
            problem = refused.problem
        expected = ", ".join(problem.expected)
        raise self.source.error(
            "template-refused",
            line,
            columns[problem.offset],
            found=problem.found,
            rule=problem.rule,
            expected=expected,
        )

    def _template_text(self, word: Word) -> str:
        """A part of a template; what stands alone may be a wildcard, what is part of a word or a string has to have a value."""
        if word.kind == "TEMPLATE" and (operator := _OPERATOR.search(word.text)):
            column = word.column + operator.start(operator.lastgroup or 0)
            raise self.source.error(
                "operator-spaces", word.line, column, word=operator[operator.lastgroup or 0]
            )
        for hole in holes.HOLE.finditer(word.text):
            if hole["accessor"] is not None:
                raise self.source.error("accessor-in-template", word.line, word.column + hole.start())
            if not _WILDCARD.match(word.text, hole.start()):
                self._check_holes(word, hole[0], hole.start())
        return word.text

    def _literal_in_template(self, word: Word) -> str:
        """Any literal as the template grammar has it: `{text "..."}` in printable ASCII."""
        found = _LITERAL.fullmatch(word.text)
        assert found
        if found["file"] is not None:
            text = holes.protect(self._file(word, found["file"]).decode("latin-1"))
        else:
            text = self._escaped(word, found["text"], found.start("text"))
        printable = "".join(
            character if " " <= character <= "~" and character not in '"\\' else f"\\x{ord(character):02x}"
            for character in text
        )
        return f'{{text "{printable}"}}'

    def _file(self, word: Word, name: str) -> bytes:
        octets = self.read_file(name)
        if octets is None:
            raise self.source.error_at("missing-file", word.line, name, word=name)
        return octets

    def _escaped(self, word: Word, text: str, at: int) -> str:
        """A text with escapes, `at` its place in the word. Only what is written as a hole is one, never what escapes spell."""
        self._check_holes(word, text, at)
        octets, end = "", 0
        for hole in holes.HOLE.finditer(text):
            octets += self._unescaped(word, text[end : hole.start()], at + end) + hole[0]
            end = hole.end()
        return octets + self._unescaped(word, text[end:], at + end)

    def _unescaped(self, word: Word, text: str, at: int) -> str:
        """The octets of a text without holes."""

        def octet(escape: re.Match[str]) -> str:
            if escape[0] in _ESCAPES:
                return _ESCAPES[escape[0]]
            if len(escape[0]) == 4:
                return chr(int(escape[0].removeprefix("\\x"), 16))
            column = word.column + at + escape.start()
            raise self.source.error("bad-escape", word.line, column, word=escape[0])

        # Escapes spell octets, everything else is text: each becomes octets in its own way.
        spelt = (octet(escape) for escape in _ESCAPE.finditer(text))
        return holes.protect("".join(wire(part) + next(spelt, "") for part in _ESCAPE.split(text)))

    def _check_holes(self, word: Word, text: str, at: int = 0) -> None:
        """Refuse what has no value in a text that is to be sent: wildcards, malformed names, unknown accessors.

        `at` is where the text begins in its word.
        """
        for hole in holes.HOLE.finditer(text):
            name, accessor = hole["name"], hole["accessor"]
            column = word.column + at + hole.start()
            if name in ("", "..."):
                raise self.source.error("wildcard", word.line, column, word=hole[0])
            if name != holes.DOLLAR and not holes.NAME.fullmatch(name):
                raise self.source.error("bad-hole", word.line, column, word=hole[0])
            if accessor is not None and accessor not in holes.ACCESSORS:
                known = nearest(accessor, holes.ACCESSORS)
                column = word.column + at + hole.start("accessor") - 1
                raise self.source.error("unknown-accessor", word.line, column, word=accessor, near=known)
