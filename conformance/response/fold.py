"""Parse tree -> Response, generic: the tokens of the tree fold into values in their order, parentheses into lists.

A token's type says what value it is; the few rules that are more than the sum of their tokens are named in two tables.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lark import Token, Tree

from conformance.grammar import number
from conformance.response.values import Atom, Code, Hole, List, Nil, Number, Response, Rest, String, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.response.values import Kind

    Node = Tree[Token] | Token

#: Rules around the one that says what a response is about.
_FRAMES = frozenset(
    {"response_unit", "greeting", "template", "response_data", "response_tagged", "continue_req"}
    | {"resp_cond_state", "resp_cond_auth", "resp_cond_bye"}
)

#: What the first token of a response that has no tag says.
_FIRST: dict[str, Kind] = {"STAR": "untagged", "PLUS": "continuation"}

#: Rules whose parenthesised list means the same in any order.
_UNORDERED = frozenset({"flag_list", "msg_att_dynamic", "mailbox_list", "resp_text_code"})

_LONE_HOLE = re.compile(r"\$\{([A-Za-z][A-Za-z0-9_-]*)?\}")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0"}


def _octets(text: str) -> String:
    return String(text.encode("latin-1"))


def _quoted(text: str) -> String:
    """A quoted string, its double quotes included."""
    return _octets(_QUOTED_PAIR.sub(r"\1", text[1:-1]))


def _literal(text: str) -> String:
    return _octets(text[text.index("\n") + 1 :])


def _text_literal(text: str) -> String:
    """`{text "..."}` of a template."""

    def unescape(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2])

    return _octets(_ESCAPE.sub(unescape, text[len('{text "') : -len('"}')]))


def _or_hole(value: Callable[[str], Value]) -> Callable[[str], Value]:
    """A value that in a template may be nothing but a hole."""

    def read(text: str) -> Value:
        lone = _LONE_HOLE.fullmatch(text)
        return Hole(lone[1] or "") if lone else value(text)

    return read


#: What a token of a pattern is, by its type.
_VALUES: dict[str, Callable[[str], Value]] = {
    "NUMBER": lambda text: Number(number(text)),
    "NZ_NUMBER": lambda text: Number(number(text)),
    "ATOM": Atom,
    "WORD": _or_hole(Atom),
    "AUTH_CAPABILITY": Atom,
    "FLAG_KEYWORD": _or_hole(Atom),
    "FLAG_EXTENSION": Atom,
    "ASTRING": _or_hole(_octets),
    "CODE_TEXT": _or_hole(_octets),
    "QUOTED": _quoted,
    "QUOTED_CHAR": lambda text: _octets(text[-1]),
    "LITERAL": _literal,
    "LITERAL8": _literal,
    "NIL": lambda _text: Nil(),
    "HOLE": lambda text: Hole(text[2:-1]),
    "REST": lambda _text: Rest(),
    "TEXT_LITERAL": _text_literal,
}


def _value(token: Token) -> Value | None:
    """The value of a token; None for punctuation."""
    if convert := _VALUES.get(token.type):
        return convert(str(token))
    if token[0].isalnum() or token[0] == "\\":
        return Atom(str(token))
    return _quoted(str(token)) if len(token) > 1 else None


def _tokens(tree: Tree[Token]) -> Iterator[Token]:
    """The tokens of a tree in order, whatever its depth."""
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tree):
            waiting.extend(reversed(node.children))
        else:
            yield node


def _item_name(tree: Tree[Token], _raw: bytes) -> Value:
    """The name of a data item such as `BODY[HEADER.FIELDS (DATE FROM)]<0>`, in one spelling.

    Header field names are a set: no sentence has a server repeat them in the order of the request.
    """
    name, fields = "", set[str]()
    for piece in _tokens(tree):
        value = _value(piece)
        if isinstance(value, String):
            fields.add(value.octets.decode("latin-1").upper())
        elif piece == "(":
            name += " ("
        else:
            name += (" ".join(sorted(fields)) if piece == ")" else "") + str(piece).upper()
    return Atom(name)


def _date_time(tree: Tree[Token], raw: bytes) -> Value:
    """The text between the double quotes, which the grammar reads in pieces; in a template also a hole."""
    first, *others = _tokens(tree)
    return String(raw[(first.end_pos or 0) : others[-1].start_pos]) if others else Hole(first[2:-1])


#: Rules that are one value, made from their tokens and the octets of the whole response.
_SINGLE: dict[str, Callable[[Tree[Token], bytes], Value]] = {
    "body_section": _item_name,
    "binary_section": _item_name,
    "binary_size": _item_name,
    "date_time": _date_time,
}


def _values(tree: Tree[Token], raw: bytes) -> list[Value]:
    """The values of a tree in order. A loop, not a recursion: the server decides how deep its lists are."""
    values: list[Value] = []
    outer: list[list[Value]] = []
    waiting: list[tuple[str, Iterator[Node]]] = [(tree.data, iter(tree.children))]
    while waiting:
        rule, children = waiting[-1]
        node = next(children, None)
        if node is None:
            waiting.pop()
        elif isinstance(node, Tree):
            if single := _SINGLE.get(node.data):
                values.append(single(node, raw))
            else:
                waiting.append((node.data, iter(node.children)))
        elif node.type == "LPAR":
            outer.append(values)
            values = []
        elif node.type == "RPAR":
            whole = List(tuple(values), ordered=rule not in _UNORDERED)
            values = outer.pop()
            values.append(whole)
        elif (value := _value(node)) is not None:
            values.append(value)
    return values


def _status_text(tree: Tree[Token], raw: bytes) -> tuple[Code | None, bytes | Rest | None]:
    """Code and text of a `resp_text`."""
    code, text = None, None
    for node in tree.children:
        if isinstance(node, Tree):
            name, *items = _values(node, raw)
            assert isinstance(name, Atom)
            code = Code(name.key, tuple(items))
        elif node.type in ("TEXT", "PLAIN_TEXT"):
            text = node.encode("latin-1")
        elif node.type == "REST":
            return code, Rest()
    return code, text


def from_tree(tree: Tree[Token], raw: bytes) -> Response:
    """The response that the tree of a unit (`raw`) or of a template says."""
    kind: Kind = "tagged"
    tag, code, text = None, None, None
    values: list[Value] = []
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tree):
            if node.data == "resp_text":
                code, text = _status_text(node, raw)
            elif node.data in _FRAMES:
                waiting += reversed(node.children)
            else:
                values += _values(node, raw)
        elif node.type == "TAG":
            tag = str(node)
        elif node.type in _FIRST:
            kind = _FIRST[node.type]
        else:
            values.append(Atom(str(node)))
    first = values.pop(0) if values and not isinstance(values[0], Atom) else None
    count = first.value if isinstance(first, Number) else first if isinstance(first, Hole) else None
    match values:
        case [Atom() as name, *items]:
            return Response(kind, raw, name.key, tag, count, code, tuple(items), text)
    return Response(kind, raw, tag=tag, code=code, text=text)
