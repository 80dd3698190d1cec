"""Texts of a scenario line -> latin-1 texts with holes, one character per octet: escapes, literals, templates.

Knows: escapes, `{text "..."}` and `{file name}`, how a template is handed to the response grammar and where in its line a refused
one went wrong. Must not know: steps, groups, connections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import response
from conformance.errors import nearest
from conformance.grammar import Refused
from conformance.scenario import holes
from conformance.scenario.syntax import Literal8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lark import Token

    from conformance.grammar import Grammar
    from conformance.response import Response
    from conformance.scenario.mistakes import Source

    #: The octets of a message file, None if there is none of that name.
    ReadFile = Callable[[str], bytes | None]

_HOLE = re.compile(r"\$\{[^}]*\}")
_WILDCARD = re.compile(r"(?<![^ (\[<])\$\{(?:\.\.\.)?\}(?![^ )\]>])")
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|.)")
_ESCAPES = {"\\r": "\r", "\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\", '\\"': '"'}
_LITERAL = re.compile(r'\{(?P<plus>\+?)(?:text "(?P<text>.*)"|file (?P<file>.*))\}')


def wire(text: str) -> str:
    """A text as the octets of its UTF-8 form, latin-1."""
    return text.encode("utf-8").decode("latin-1")


@dataclass(frozen=True)
class Texts:
    """Reads the texts of one file."""

    source: Source
    grammar: Grammar
    read_file: ReadFile

    def command(self, token: Token) -> str:
        """A part of a command, or a word of an assertion: no escapes."""
        self._check_holes(token, str(token))
        return wire(str(token))

    def octets(self, token: Token) -> str:
        """A part of a `C~` line: escapes everywhere."""
        return self._escaped(token, str(token))

    def literal(self, token: Token) -> Literal8:
        """`{text "..."}`, `{file name}` and their forms with `+`, in a command."""
        found = _LITERAL.fullmatch(token)
        assert found
        sync = not found["plus"]
        if found["file"] is not None:
            self._file(token, found["file"])
            return Literal8(file=found["file"], sync=sync)
        return Literal8(template=self._escaped(token, found["text"]), sync=sync)

    def template(self, tokens: Iterable[Token]) -> Response:
        """The response that a template describes; a refused one is the author's mistake."""
        text, columns, line = "", [1], 1
        for token in tokens:
            assert token.line
            assert token.column
            part = self._literal_in_template(token) if token.type == "LITERAL" else self._template_text(token)
            line, text = token.line, text + part
            inside = (
                [token.column] * len(part)
                if token.type == "LITERAL"
                else range(token.column, token.column + len(part))
            )
            columns[-1:] = [*inside, token.column + len(token)]
        try:
            return response.template(self.grammar, text)
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

    def _template_text(self, token: Token) -> str:
        """A part of a template; what stands alone may be a wildcard, what is part of a word or a string has to have a value."""
        for hole in holes.HOLE.finditer(token):
            if hole["accessor"] is not None:
                raise self.source.error_at("accessor-in-template", token.line, hole[0])
            if not _WILDCARD.match(token, hole.start()):
                self._check_holes(token, hole[0])
        return str(token)

    def _literal_in_template(self, token: Token) -> str:
        """Any literal as the template grammar has it: `{text "..."}` in printable ASCII."""
        found = _LITERAL.fullmatch(token)
        assert found
        if found["file"] is not None:
            text = holes.protect(self._file(token, found["file"]).decode("latin-1"))
        else:
            text = self._escaped(token, found["text"])
        printable = "".join(
            character if " " <= character <= "~" and character not in '"\\' else f"\\x{ord(character):02x}"
            for character in text
        )
        return f'{{text "{printable}"}}'

    def _file(self, token: Token, name: str) -> bytes:
        octets = self.read_file(name)
        if octets is None:
            raise self.source.error_at("missing-file", token.line, name, word=name)
        return octets

    def _escaped(self, token: Token, text: str) -> str:
        """A text with escapes. Only what is written as a hole is one, never what escapes spell."""
        self._check_holes(token, text)
        written = iter(_HOLE.findall(text))
        return "".join(
            holes.protect(self._unescape(token, part)) + next(written, "") for part in _HOLE.split(text)
        )

    def _unescape(self, token: Token, text: str) -> str:
        def octet(escape: re.Match[str]) -> str:
            if escape[0] in _ESCAPES:
                return _ESCAPES[escape[0]]
            if len(escape[0]) == 4:
                return chr(int(escape[0].removeprefix("\\x"), 16))
            raise self.source.error_at("bad-escape", token.line, escape[0], word=escape[0])

        return _ESCAPE.sub(octet, wire(text))

    def _check_holes(self, token: Token, text: str) -> None:
        """Refuse what has no value in a text that is to be sent: wildcards, malformed names, unknown accessors."""
        for name, accessor in holes.names(text):
            written = f"${{{name}"
            if name in ("", "..."):
                raise self.source.error_at("wildcard", token.line, written, word=f"{written}}}")
            if not holes.NAME.fullmatch(name):
                raise self.source.error_at("bad-hole", token.line, written, word=f"{written}}}")
            if accessor and accessor not in holes.ACCESSORS:
                known = nearest(accessor, holes.ACCESSORS)
                raise self.source.error_at(
                    "unknown-accessor", token.line, f":{accessor}", word=accessor, near=known
                )
