"""Every rule of RFC 3501 section 9 stands in the grammar under its name."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from conformance import resources

FILES = ("rfc3501.lark", "rfc3501-commands.lark")

#: Their names, in the RFC's order.
NAMES = """
address addr-adl addr-host addr-mailbox addr-name append astring ASTRING-CHAR atom ATOM-CHAR atom-specials
authenticate auth-type base64 base64-char base64-terminal body body-extension body-ext-1part body-ext-mpart
body-fields body-fld-desc body-fld-dsp body-fld-enc body-fld-id body-fld-lang body-fld-loc body-fld-lines
body-fld-md5 body-fld-octets body-fld-param body-type-1part body-type-basic body-type-mpart body-type-msg
body-type-text capability capability-data CHAR8 command command-any command-auth command-nonauth
command-select continue-req copy create date date-day date-day-fixed date-month date-text date-year date-time
delete digit-nz envelope env-bcc env-cc env-date env-from env-in-reply-to env-message-id env-reply-to
env-sender env-subject env-to examine fetch fetch-att flag flag-extension flag-fetch flag-keyword flag-list
flag-perm greeting header-fld-name header-list list list-mailbox list-char list-wildcards literal login lsub
mailbox mailbox-data mailbox-list mbx-list-flags mbx-list-oflag mbx-list-sflag media-basic media-message
media-subtype media-text message-data msg-att msg-att-dynamic msg-att-static nil nstring number nz-number
password quoted QUOTED-CHAR quoted-specials rename response response-data response-done response-fatal
response-tagged resp-cond-auth resp-cond-bye resp-cond-state resp-specials resp-text resp-text-code search
search-key section section-msgtext section-part section-spec section-text select seq-number seq-range
sequence-set status status-att status-att-list store store-att-flags string subscribe tag text TEXT-CHAR time
uid uniqueid unsubscribe userid x-command zone
""".split()  # noqa: SIM905 - a page of words

_CLASS = "a set of characters: it stands in the patterns that are made of it"

#: Those that do not stand there, each with what has its place.
ABSENT = {
    "ASTRING-CHAR": _CLASS,
    "ATOM-CHAR": _CLASS,
    "TEXT-CHAR": _CLASS,
    "atom-specials": _CLASS,
    "list-char": _CLASS,
    "list-wildcards": _CLASS,
    "quoted-specials": _CLASS,
    "resp-specials": _CLASS,
    "digit-nz": _CLASS,
    "CHAR8": "the octets of a literal are taken by their count, and NUL is looked for among them",
    "response": "one unit is one line with its literals: response_unit; how lines follow one another is not syntax",
    "response-done": "response_unit holds both of its alternatives",
    "response-fatal": "response_data holds the untagged BYE already",
}

#: Names that are not of section 9. A leading `_` marks those that leave no node.
OURS = {
    "sp": "core rule of ABNF",
    "crlf": "core rule of ABNF",
    "dquote": "core rule of ABNF",
    "response_unit": "one response",
    "auth_capability": "an alternative of capability",
    "code_text": "an alternative of resp-text-code",
    "plain_text": "text that does not begin with a bracket",
    "body_section": "the name of a data item, in msg-att-static",
    "status_att_val": "typed as in erratum 261",
    "partial": "RFC 3516 names it so",
    "x_word": "part of x-command's arguments",
}

DEFINITION = re.compile(r"^\??([A-Za-z][A-Za-z0-9_]*)(?:\.[0-9]+)?:", re.MULTILINE)


def in_grammar(name: str) -> str:
    return name.lower().replace("-", "_")


def defined() -> set[str]:
    texts = [(resources.GRAMMARS / name).read_text(encoding="ascii") for name in FILES]
    return {name.lower() for text in texts for name in DEFINITION.findall(text)}


def test_every_rule_of_the_rfc_stands_in_the_grammar_or_is_said_to_be_absent() -> None:
    assert len(NAMES) == len(set(NAMES)) == 148
    assert {name for name in NAMES if in_grammar(name) not in defined()} == set(ABSENT)


def test_every_other_name_of_the_grammar_has_its_reason() -> None:
    assert defined() - {in_grammar(name) for name in NAMES} == set(OURS)


def test_the_names_are_those_of_the_text_of_the_rfc() -> None:
    folder = os.environ.get("IMAPSPEC_RFC_DIR")
    if not folder:
        pytest.skip("IMAPSPEC_RFC_DIR names no folder with rfc3501.txt")
    text = (Path(folder) / "rfc3501.txt").read_text(encoding="latin-1")
    section = re.split(r"^[0-9]+\. +(?:Formal Syntax|Author's Note)$", text, flags=re.MULTILINE)[1]
    assert re.findall(r"^([A-Za-z][A-Za-z0-9-]*) +=", section, re.MULTILINE) == NAMES
