"""Lines that meet, break or do not concern each requirement on one response: tables for `test_semantics`.

Octets are latin-1; CRLF is added.
"""

from __future__ import annotations

TEXT = '("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1)'
PLAIN = '("A" "B" NIL NIL NIL "7BIT" 3)'
ENVELOPE = "(" + " ".join(["NIL"] * 10) + ")"
MESSAGE = f'("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 9 {ENVELOPE} {TEXT} 2)'
EXTENDED = TEXT[:-1] + " NIL NIL NIL NIL)"
BREAK = "\r\n"
GROUP = '((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))'
SYSTEM = r"\Answered \Flagged \Deleted \Seen \Draft"


def envelope(to: str) -> str:
    """An envelope with these addresses in To."""
    return fetch(f"ENVELOPE (NIL NIL NIL NIL NIL {to} NIL NIL NIL NIL)")


def literal(text: str) -> str:
    return f"{{{len(text)}}}\r\n{text}"


def message(header: str, text: str, whole: str) -> str:
    return fetch(f"BODY[HEADER] {literal(header)} BODY[] {literal(whole)} BODY[TEXT] {literal(text)}")


def fetch(items: str) -> str:
    return f"* 1 FETCH ({items})"


def name(text: str, response: str = "LIST") -> str:
    return f'* {response} () "/" "{text}"'


def date(text: str) -> str:
    return fetch(f'INTERNALDATE "{text}"')


def subset(header: str, names: str, text: str) -> str:
    """Fields of a header, and the header."""
    return fetch(f"BODY[HEADER] {literal(header)} BODY[HEADER.FIELDS{names}] {literal(text)}")


def entitled(header: str, strings: str) -> str:
    """An envelope with this subject, and behind the addresses these, beside its header."""
    subject, _, last = strings.partition("|")
    return fetch(
        f"ENVELOPE (NIL {subject} NIL NIL NIL NIL NIL NIL NIL {last}) BODY[HEADER] {literal(header + BREAK)}"
    )


def part(header: str, structure: str, section: str = "HEADER") -> str:
    """A body structure beside a header."""
    return fetch(f"BODY {structure} BODY[{section}] {literal(header + BREAK)}")


HEADER = "A: b\r\nc:\r\n d\r\nA:\r\n\r\n"
MIME = "MIME-Version: 1.0\r\n"
#: Requirement -> lines that meet it.
RIGHT: dict[str, list[str]] = {
    "2.3.2/flag-once": [
        rf"* FLAGS ({SYSTEM} a b)",
        rf"* OK [PERMANENTFLAGS ({SYSTEM} Seen \*)] x",
        fetch(r"FLAGS (\Seen Seen $Seen)"),
    ],
    "2.3.3/internal-date": [
        date(" 1-Jan-2024 00:00:00 +0000"),
        date("01-JAN-2024 23:59:59 +0000"),
        date("29-Feb-2000 12:00:00 -0330"),
        date("31-Dec-2016 23:59:60 +0000"),
        date("29-Feb-0000 00:00:00 +9999"),
    ],
    "2.3.4/size-in-octets": [
        fetch('RFC822.SIZE 3 BODY[] "abc"'),
        fetch('BODY[] {3}\r\nabc RFC822.SIZE 3 RFC822 "abc"'),
        fetch('RFC822.SIZE 3 BODY[]<1> "bc" BODY[]<0> "a" BODY[]<9> ""'),
    ],
    "5.1/names-7-bit": [name("x"), name("&AOQ-", "LSUB"), "* STATUS {1}\r\nx ()", name("")],
    "5.1.3/modified-utf-7": [
        name("&-"),
        name("a&-b&-&-"),
        name("~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        name("&Jjo-!", "LSUB"),
        "* STATUS &U,BTF2XlZyyKng- ()",
        name("&AOQ-&-"),
        name("&AAE-"),
        name("&2D3cqQ-"),
        name("&AOQAJg-"),
    ],
    "6.3.10/counts-within-messages": [
        "* STATUS x (MESSAGES 2 UNSEEN 2 RECENT 0)",
        "* STATUS x (RECENT 0 MESSAGES 0)",
    ],
    "6.4.5/header-and-text": [
        message("A: b\r\n\r\n", "c\r\n", "A: b\r\n\r\nc\r\n"),
        message("A: b\r\n c\r\nD:\r\n\r\n", "\r\n\r\n", "A: b\r\n c\r\nD:\r\n\r\n\r\n\r\n"),
        message("A: b\r\n\r\n", "", "A: b\r\n\r\n"),
        fetch(
            f'RFC822 {literal("A: b" + 2 * BREAK + "c")} RFC822.HEADER {literal("A: b" + 2 * BREAK)} RFC822.TEXT "c"'
        ),
    ],
    "6.4.5/header-fields-of-header": [
        subset(HEADER, " (a)", "A: b\r\nA:\r\n\r\n"),
        subset(HEADER, ".NOT (A X)", "c:\r\n d\r\n\r\n"),
        subset(HEADER, " (C A)", "A:\r\nA: b\r\nc:\r\n d\r\n\r\n"),
        subset(HEADER, " (X)", "\r\n"),
        subset(HEADER, ".NOT (X)", HEADER),
        fetch(f"BODY[1.2.HEADER] {literal(HEADER)} BODY[1.2.HEADER.FIELDS (B)] {literal(BREAK)}"),
    ],
    "6.4.5/partial-is-substring": [
        fetch('BODY[1] "abcd" BODY[1]<0> "ab" BODY[1]<2> "cd" BODY[1]<3> "" BODY[1]<9> ""'),
        fetch('BODY[HEADER.FIELDS (A)] "a: b" BODY[HEADER.FIELDS (A)]<3> "b"'),
    ],
    "6.4.5/rfc822-equals-body": [
        fetch('BODY[] "ab" RFC822 "ab"'),
        fetch('RFC822.HEADER "a" RFC822.TEXT "b" BODY[TEXT] "b" BODY[HEADER] "a"'),
    ],
    "7.1/code-registered": [
        "* OK [UIDNEXT 1] x",
        "* BYE [UNAVAILABLE] x",
        "a OK [APPENDUID 1 1] x",
        "* NO [X-TIRED (a b)] x",
        "* NO [xtired] x",
    ],
    "7.2.1/capability-once": [
        "* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN AUTH",
        "* OK [CAPABILITY IMAP4rev1] x",
    ],
    "7.2.1/capability-registered": [
        "* CAPABILITY IMAP4rev1 sasl-ir AUTH=X-OWN THREAD=REFS XOWN x-own QUOTA=RES-STORAGE",
        "* OK [CAPABILITY IMAP4rev2 IMAP4rev1] x",
    ],
    "7.2.2/attribute-once": [r'* LIST (\Marked \HasNoChildren \X) "/" x', r'* LSUB (\Noselect) "/" x'],
    "7.2.4/item-once": ["* STATUS x (MESSAGES 1 RECENT 1 UIDNEXT 1 UIDVALIDITY 1 UNSEEN 1)"],
    "7.2.5/number-once": ["* SEARCH 3 1 2", "* SEARCH 11 1"],
    "7.2.6/system-flags": [rf"* FLAGS ({SYSTEM} a)", rf"* FLAGS ({SYSTEM.lower()})"],
    "7.4.2/item-once": [
        fetch("FLAGS () UID 1"),
        fetch("BODY[1] NIL BODY[2] NIL BODY[1]<0> NIL BODY[1.MIME] NIL BODY[] NIL"),
        fetch("BODY[HEADER.FIELDS (A)] NIL BODY[HEADER.FIELDS (B)] NIL BODY[HEADER.FIELDS.NOT (A)] NIL"),
    ],
    "7.4.2/body-as-bodystructure": [
        fetch(f"BODY {TEXT} BODYSTRUCTURE {EXTENDED}"),
        fetch(f"BODYSTRUCTURE {MESSAGE} BODY {MESSAGE}"),
        fetch(f"BODY ({TEXT.lower()} {chr(34)}m{chr(34)}) BODYSTRUCTURE ({TEXT} {chr(34)}M{chr(34)})"),
        fetch(
            f'BODY ({PLAIN}({TEXT} "X") "M") BODYSTRUCTURE ({PLAIN}({EXTENDED} "X" NIL) "M" ("a" "b") NIL)'
        ),
    ],
    "7.4.2/envelope-as-header": [
        entitled("A: b\r\n", "NIL|NIL"),
        entitled("subject: a  b \r\nMessage-ID:<a@b>\r\n", '"a  b"|"<a@b>"'),
        entitled("Subject:\r\n", '""|NIL'),
        entitled("Subject:\r\n", "NIL|NIL"),
        entitled("Subject: =?utf-8?q?a?=\r\nMessage-ID: a b\r\n", '"a"|"b"'),
        entitled("Subject: a\r\n b\r\nSubject: c\r\n", '"x"|NIL'),
    ],
    "7.4.2/body-as-header": [
        part(f"{MIME}Content-Type: text/PLAIN; charset=x\r\n", TEXT),
        part(f"{MIME}Content-Type: A/b\r\nContent-Transfer-Encoding: 7bit\r\n", PLAIN),
        part("Content-Type: a/b\r\n", f"({PLAIN} {chr(34)}M{chr(34)})", "1.MIME"),
        part(
            f"{MIME}Content-Type: a/b\r\nContent-ID: <x>\r\nContent-Description: y z\r\n",
            PLAIN.replace("NIL NIL NIL", 'NIL "<x>" "y z"'),
        ),
        part(f"{MIME}Content-Type: text\r\n", PLAIN),
        part(f"{MIME}Content-Type: multipart/mixed\r\n", PLAIN),
    ],
    "7.4.2/body-lines": [
        fetch(f'BODY {TEXT} BODY[1] "abc"'),
        fetch(f"BODY {TEXT} BODY[1] {literal('a' + BREAK)}"),
        fetch(f"BODY {TEXT} BODY[TEXT] {literal('a' + BREAK + 'b')}"),
        fetch(f"BODY ({MESSAGE} {chr(34)}M{chr(34)}) BODY[1] {literal('A: b' + 2 * BREAK)}"),
    ],
    "7.4.2/group-has-an-end": [
        envelope(GROUP),
        envelope(f"{GROUP[:-1]}{GROUP[1:]}"),
        envelope('((NIL NIL "g" NIL)(NIL NIL NIL NIL)(NIL NIL "a" "b"))'),
        fetch(f"ENVELOPE {ENVELOPE}"),
    ],
    "7.4.2/body-size": [
        fetch(f'BODY {TEXT} BODY[1] "abc" BODY[TEXT] "abc"'),
        fetch(
            f'BODYSTRUCTURE ({PLAIN}({EXTENDED}{PLAIN} "X") "M") BODY[1] "abc" BODY[2.1] "abc" BODY[2.2] "abc"'
        ),
        fetch(f'BODY ({MESSAGE} "M") BODY[1] "123456789" BODY[1.1] "abc"'),
        fetch(f'BODY {MESSAGE} BODY[1] "any" BODY[TEXT] "123456789"'),
    ],
    "7.4.2/body-type-fields": [
        fetch(f"BODY {item}") for item in (TEXT, PLAIN, MESSAGE, f'({MESSAGE}{TEXT} "M")')
    ]
    + [fetch(f"BODYSTRUCTURE {EXTENDED}"), fetch('BODY ("MESSAGE" "PARTIAL" NIL NIL NIL "7BIT" 3)')],
    "7.4.2/body-without-extension": [
        fetch(f"BODY {item} BODYSTRUCTURE {EXTENDED}")
        for item in (TEXT, PLAIN, MESSAGE, f'(({MESSAGE} "M"){TEXT} "M")')
    ],
    "7.4.2/defined-extension-only": [
        fetch(f"BODYSTRUCTURE {EXTENDED}"),
        fetch(f'BODYSTRUCTURE ({EXTENDED} "M" ("a" "b") ("x" NIL) ("de" "en") "loc")'),
        fetch(f"BODY {TEXT}"),
    ],
    "7.4.2/headers-7-bit": [
        fetch(f"ENVELOPE {ENVELOPE}"),
        fetch("BODY[HEADER] {3}\r\nabc BODY[TEXT] {1}\r\n\xe4 RFC822 {1}\r\n\xe4 BODY[1] {1}\r\n\xe4"),
    ],
    "7.4.2/multipart-nested": [fetch(f'BODY ({TEXT} "MULTIPART")'), fetch(f"BODY {TEXT}")],
    "9/flag-extension": [rf"* FLAGS ({SYSTEM} $Junk Recent)", rf"* OK [PERMANENTFLAGS ({SYSTEM} \*)] x"],
    "9/imap4-first": ["* CAPABILITY IMAP4 IMAP4rev1", "* OK [CAPABILITY imap4 X IMAP4rev1] x"],
    "9/number-range": [
        "* 4294967295 EXISTS",
        "* SEARCH 4294967295 1",
        "* OK [UIDNEXT 4294967295] x",
        "* 004294967295 RECENT",
        fetch("BODY[4294967295.1]<4294967295> NIL UID 4294967295"),
        fetch("BODY[HEADER.FIELDS (4294967296)] NIL UID 1"),
        fetch('BODY[1] "4294967296"'),
    ],
    "9/zone-minutes": [date("01-Jan-2024 00:00:00 -0959"), date("01-Jan-2024 00:00:00 +9900")],
}

#: Requirement -> what is observed -> lines.
WRONG: dict[str, dict[str, list[str]]] = {
    "2.3.2/flag-once": {
        "repeated-in-FLAGS": [rf"* FLAGS ({SYSTEM} a A)"],
        "repeated-in-PERMANENTFLAGS": [r"* OK [PERMANENTFLAGS (\* \Seen \*)] x"],
        "repeated-in-FETCH": [fetch(r"UID 1 FLAGS (\Recent a b \RECENT)")],
    },
    "2.3.3/internal-date": {
        "no-such-day": [
            date(f"{day} 00:00:00 +0000")
            for day in ("00-Jan-2024", " 0-Jan-2024", "32-Jan-2024", "31-Apr-2024", "29-Feb-2023", "29-Feb-1900")
        ],
        "no-such-time": [
            date(f"01-Jan-2024 {time} +0000") for time in ("24:00:00", "23:60:00", "23:59:61", "99:99:99")
        ],
    },
    "2.3.4/size-in-octets": {
        "differs": [
            fetch('RFC822.SIZE 2 BODY[] "abc"'),
            fetch('RFC822 "abc" RFC822.SIZE 4'),
            fetch('RFC822.SIZE 3 BODY[] "abc" RFC822 ""'),
            fetch('RFC822.SIZE 3 BODY[] ""'),
        ],
        "partial": [fetch('RFC822.SIZE 3 BODY[]<1> "abc"'), fetch('RFC822.SIZE 3 BODY[]<9> "a"')],
    },
    "5.1/names-7-bit": {
        "in-LIST": ['* LIST () "/" {2}\r\n\xc3\xa4', '* LIST () "/" {3}\r\n&\xe4-'],
        "in-LSUB": ['* LSUB () "/" {1}\r\n\xff'],
        "in-STATUS": ["* STATUS {1}\r\n\x80 ()"],
    },
    "5.1.3/modified-utf-7": {
        "not-ended": [name("&"), name("R&D"), name("&AOQ"), name("&Jjo!", "LSUB"), "* STATUS &AOQ-& ()"],
        "not-base64": [name("&Jjo!-"), name("&U/BTFw-"), name("&AO Q-"), name("&&-"), name("&AOQ=-")],
        "not-utf-16": [name("&A-"), name("&AO-"), name("&AOT-"), name("&2D0-"), name("&3Kk-"), name("&2D0AYQ-")],
        "superfluous-shift": [name("&U,BTFw-&ZeVnLIqe-"), name("x&AOQ-&AOQ-")],
        "printable-encoded": [name("&AGE-"), name("&AOQAIA-"), name("x&AH4-", "LSUB")],
        "control-character": [name("\t&-"), name("&-\x7f"), name("&AOQ-\x01&AOQ-")],
    },
    "6.3.10/counts-within-messages": {
        "UNSEEN-above-MESSAGES": ["* STATUS x (UNSEEN 1 MESSAGES 0)"],
        "RECENT-above-MESSAGES": ["* STATUS x (MESSAGES 4 RECENT 5 UNSEEN 4)"],
    },
    "6.4.5/header-and-text": {
        "differs": [
            message("A: b\r\n", "c\r\n", "A: b\r\n\r\nc\r\n"),
            message("A: b\r\n\r\n", "\r\nc\r\n", "A: b\r\n\r\nc\r\n"),
            message("A: b\r\n\r\n", "c", "A: b\r\n\r\nc\r\n"),
            message("", "A: b\r\n\r\nc", "A: b\r\n\r\nc\r\n"),
        ]
    },
    "6.4.5/header-fields-of-header": {
        "differs": [
            subset(HEADER, " (a)", "A: b\r\n\r\n"),
            subset(HEADER, " (A)", "A: b\r\nA:\r\n"),
            subset(HEADER, " (C)", "c:\r\n\r\n"),
            subset(HEADER, ".NOT (A)", HEADER),
            subset(HEADER, " (X)", ""),
            fetch(f"BODY[2.HEADER] {literal(HEADER)} BODY[2.HEADER.FIELDS.NOT (B)] {literal(BREAK)}"),
        ]
    },
    "6.4.5/partial-is-substring": {
        "differs": [
            fetch('BODY[1] "abcd" BODY[1]<1> "ab"'),
            fetch('BODY[1] "abcd" BODY[1]<2> "cde"'),
            fetch('BODY[1] "abcd" BODY[1]<9> "a"'),
        ]
    },
    "6.4.5/rfc822-equals-body": {
        "differs": [fetch('BODY[] "ab" RFC822 "a"'), fetch('RFC822.HEADER "a" BODY[HEADER] "b"')]
    },
    "7.1/code-registered": {
        "unregistered": ["* NO [TIRED] x", "a NO [10.0.0.1] x", "* BYE [UIDNEXTER 1] x", "+ [EXPIREDX] x"]
    },
    "7.2.1/capability-once": {
        "repeated-in-CAPABILITY": [
            "* CAPABILITY IMAP4rev1 imap4rev1",
            "a OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=PLAIN] x",
        ]
    },
    "7.2.1/capability-registered": {
        "unregistered": ["* CAPABILITY IMAP4rev1 SNIPPET=FUZZY", "* OK [CAPABILITY idles IMAP4rev1] x"]
    },
    "7.2.2/attribute-once": {
        "repeated-in-LIST": [r'* LIST (\HasChildren \Marked \haschildren) "/" x'],
        "repeated-in-LSUB": [r'* LSUB (\X \X) "/" x'],
    },
    "7.2.4/item-once": {"repeated-in-STATUS": ["* STATUS x (MESSAGES 1 RECENT 0 messages 1)"]},
    "7.2.5/number-once": {"repeated-in-SEARCH": ["* SEARCH 1 1", "* SEARCH 7 8 7"]},
    "7.2.6/system-flags": {"missing": ["* FLAGS ()", r"* FLAGS (\Answered \Flagged \Deleted \Seen Draft)"]},
    "7.4.2/item-once": {
        "repeated-in-FETCH": [
            fetch("FLAGS () UID 1 flags ()"),
            fetch('BODY[HEADER.FIELDS (A)] NIL BODY[HEADER.FIELDS ("a")] NIL'),
        ]
    },
    "7.4.2/body-as-bodystructure": {
        "differs": [
            fetch(f"BODY {TEXT} BODYSTRUCTURE {PLAIN}"),
            fetch(f"BODY {TEXT} BODYSTRUCTURE {TEXT.replace('3 1', '3 2')}"),
            fetch(f'BODY ({TEXT} "M") BODYSTRUCTURE ({TEXT}{TEXT} "M")'),
            fetch(f'BODY ({TEXT} "M") BODYSTRUCTURE ({TEXT} "N")'),
            fetch(f'BODY (({TEXT} "M") "M") BODYSTRUCTURE ({TEXT} "M")'),
            fetch(f"BODY {MESSAGE} BODYSTRUCTURE {MESSAGE.replace(TEXT, PLAIN)}"),
        ]
    },
    "7.4.2/envelope-as-header": {
        "absent-and-told": [
            entitled("A: b\r\n", '""|NIL'),
            entitled("A: b\r\n", 'NIL|"<x>"'),
            fetch(f"RFC822.HEADER {literal(HEADER)} ENVELOPE (NIL NIL NIL NIL NIL {GROUP} NIL NIL NIL NIL)"),
        ],
        "differs": [
            entitled("Subject: a  b\r\n", '"a b"|NIL'),
            entitled("Subject: NIL\r\n", "NIL|NIL"),
            entitled("Message-ID: <a@b>\r\n", 'NIL|"a@b"'),
        ],
    },
    "7.4.2/body-as-header": {
        "differs": [
            part(f"{MIME}Content-Type: text/html\r\n", TEXT),
            part(f"{MIME}Content-Type: b/a\r\n", PLAIN),
            part("Content-Type: a/c\r\n", f"({PLAIN} {chr(34)}M{chr(34)})", "1.MIME"),
            part(f"{MIME}Content-Type: a/b\r\nContent-Transfer-Encoding: x-own\r\n", PLAIN),
            part(f"{MIME}Content-Type: a/b\r\nContent-Description: y\r\n", PLAIN),
        ],
        "absent-and-told": [part(f"{MIME}Content-Type: a/b\r\n", PLAIN.replace("NIL NIL NIL", 'NIL "<x>" NIL'))],
    },
    "7.4.2/body-lines": {
        "differs": [
            fetch(f"BODY {TEXT} BODY[1] {literal(2 * BREAK)}"),
            fetch(f"BODY {TEXT.replace('3 1', '3 3')} BODY[1] {literal('a' + BREAK + 'b')}"),
            fetch(f"BODY {TEXT.replace('3 1', '3 2')} BODY[TEXT] {literal('a' + BREAK)}"),
            fetch(f"BODY ({MESSAGE} {chr(34)}M{chr(34)}) BODY[1] {literal('A: b' + BREAK)}"),
        ]
    },
    "7.4.2/group-has-an-end": {
        "group-without-end": [envelope('((NIL NIL "g" NIL)(NIL NIL "a" "b"))')],
        "begin-in-a-group": [envelope('((NIL NIL "g" NIL)(NIL NIL "h" NIL)(NIL NIL NIL NIL))')],
        "end-without-a-group": [envelope("((NIL NIL NIL NIL))"), envelope(f"{GROUP[:-1]}(NIL NIL NIL NIL))")],
    },
    "7.4.2/body-size": {
        "differs": [
            fetch(f'BODY {TEXT} BODY[1] "ab"'),
            fetch(f'BODY {TEXT} BODY[TEXT] "abcd"'),
            fetch(f'BODYSTRUCTURE ({PLAIN}({EXTENDED}{PLAIN} "X") "M") BODY[2.2] ""'),
            fetch(f'BODY ({MESSAGE} "M") BODY[1] "abc" BODY[1.1] "abc"'),
        ]
    },
    "7.4.2/body-type-fields": {
        "text-without-lines": [
            fetch('BODY ({4}\r\ntext "PLAIN" NIL NIL NIL "7BIT" 3)'),
            fetch(f'BODY (({PLAIN}({{4}}\r\nTEXT "PLAIN" NIL NIL NIL "7BIT" 3) "X") "M")'),
            fetch('BODYSTRUCTURE ({4}\r\nTEXT "PLAIN" NIL NIL NIL "7BIT" 3 NIL)'),
        ],
        "message-without-envelope": [fetch('BODY ("message" {6}\r\nrfc822 NIL NIL NIL "7BIT" 3)')],
    },
    "7.4.2/body-without-extension": {
        "extension-data": [
            fetch(f"BODY {EXTENDED}"),
            fetch(f"BODY {PLAIN[:-1]} NIL)"),
            fetch(f'BODY ({EXTENDED} "M")'),
            fetch(f'BODY ({TEXT} "M" NIL)'),
            fetch(f"BODY {MESSAGE[:-1]} NIL)"),
            fetch(f"BODY {MESSAGE.replace(TEXT, EXTENDED)}"),
        ]
    },
    "7.4.2/defined-extension-only": {
        "undefined": [
            fetch(f"BODYSTRUCTURE {EXTENDED[:-1]} NIL)"),
            fetch(f'BODYSTRUCTURE ({TEXT} "M" NIL NIL NIL NIL (1 (2)))'),
            fetch(f'BODYSTRUCTURE ({EXTENDED[:-1]} 1) "M")'),
        ]
    },
    "7.4.2/headers-7-bit": {
        "in-ENVELOPE": [fetch(f"ENVELOPE ({{1}}\r\n\xe4{ENVELOPE[4:]}")],
        "in-BODYSTRUCTURE": [
            fetch('BODYSTRUCTURE ("A" "B" ("NAME" {1}\r\n\xe4) NIL NIL "7BIT" 3)'),
        ],
        "in-header": [
            fetch(f"{item} {{1}}\r\n\xe4")
            for item in (
                "RFC822.HEADER",
                "BODY[HEADER]",
                "BODY[HEADER.FIELDS (SUBJECT)]",
                "BODY[1.2.HEADER]<0>",
                "BODY[3.MIME]",
            )
        ],
    },
    "7.4.2/multipart-nested": {
        "as-a-type": [
            fetch('BODY ("multipart" "MIXED" NIL NIL NIL "7BIT" 3)'),
            fetch(f'BODYSTRUCTURE ({TEXT}("MULTIPART" "X" NIL NIL NIL "7BIT" 3) "M")'),
        ]
    },
    "9/flag-extension": {
        "in-FLAGS": [rf"* FLAGS ({SYSTEM} \Junk)"],
        "in-PERMANENTFLAGS": [r"* OK [PERMANENTFLAGS (\Important)] x"],
    },
    "9/imap4-first": {"not-first": ["* CAPABILITY IMAP4rev1 IMAP4", "* OK [CAPABILITY X IMAP4 IMAP4rev1] x"]},
    "9/number-range": {
        "too-large-EXISTS": ["* 4294967296 EXISTS"],
        "too-large-FETCH": ["* 4294967296 FETCH (UID 1)"],
        "too-large-SEARCH": ["* SEARCH 1 99999999999999999999999999"],
        "too-large-UIDNEXT": ["* OK [UIDNEXT 4294967296] x", "* STATUS x (UIDNEXT 18446744073709551615)"],
        "too-large-UID": [fetch("UID 4294967296")],
        "too-large-RFC822.SIZE": [fetch("RFC822.SIZE 4294967296")],
        "too-large-BODYSTRUCTURE": [
            fetch(f"BODYSTRUCTURE ({TEXT.replace(' 3 ', ' 4294967296 ')} {chr(34)}M{chr(34)})")
        ],
        "too-large-section": [fetch("BODY[1.4294967296.MIME] NIL")],
        "too-large-origin": [fetch("BODY[]<4294967296> NIL")],
    },
    "9/zone-minutes": {"minutes": [date("01-Jan-2024 00:00:00 +0060"), date("01-Jan-2024 00:00:00 -0099")]},
}  # fmt: skip

#: Requirement -> lines that say nothing about it.
UNCONCERNED: dict[str, list[str]] = {
    "2.3.2/flag-once": ["* FLAGS ()", fetch("FLAGS ()"), "* CAPABILITY a a"],
    "2.3.3/internal-date": [fetch("UID 1")],
    "2.3.4/size-in-octets": [
        fetch("RFC822.SIZE 3"),
        fetch("RFC822.SIZE 3 BODY[] NIL"),
        fetch('RFC822.SIZE 3 BODY[TEXT] "a" RFC822.TEXT "a"'),
        fetch('BODY[] "abc" UID 2'),
    ],
    "5.1/names-7-bit": [fetch("BODY[] {1}\r\n\xe4")],
    "5.1.3/modified-utf-7": [name("x"), name("\t"), '* LIST () "/" {3}\r\n&\xe4&', "* OK &"],
    "6.3.10/counts-within-messages": ["* STATUS x (UNSEEN 2)", "* STATUS x (MESSAGES 2 UIDNEXT 9)"],
    "6.4.5/header-and-text": [
        message("A: b\r\n\r\n", "c", "A: b\r\nc"),
        message("", "no field\r\n\r\n", "no field\r\n\r\n"),
        message("\r\n", "c", "c"),
        message("A: b\n\n", "c", "A: b\n\nc"),
        fetch('BODY[HEADER] "a" BODY[TEXT] "b"'),
    ],
    "6.4.5/header-fields-of-header": [
        subset("no field\r\n\r\n", " (A)", "A: b"),
        subset("A : b\r\n\r\n", " (A)", "\r\n"),
        fetch(f"BODY[HEADER] {literal(HEADER)} BODY[1.HEADER.FIELDS (A)] {literal(BREAK)}"),
        fetch(f"BODY[HEADER.FIELDS (A)] {literal(BREAK)}"),
    ],
    "7.4.2/envelope-as-header": [fetch(f"ENVELOPE {ENVELOPE}"), entitled("no field\r\n", '"a"|NIL')],
    "7.4.2/body-as-header": [
        fetch(f"BODY {TEXT}"),
        part("Content-Type: text/html\r\n", TEXT),
        part("Content-Type: a/c\r\n", f"({PLAIN} {chr(34)}M{chr(34)})", "2.MIME"),
    ],
    "6.4.5/partial-is-substring": [fetch('BODY[1]<0> "a" BODY[2] "b"'), fetch('BODY[1] NIL BODY[1]<0> "a"')],
    "6.4.5/rfc822-equals-body": [fetch('RFC822 "a" BODY[TEXT] "b"')],
    "7.1/code-registered": ["* OK x", "* 1 EXISTS", "+ x"],
    "7.2.1/capability-registered": ["* OK [X SNIPPET=FUZZY] x", "* FLAGS (SNIPPET)"],
    "7.2.6/system-flags": [r"* OK [PERMANENTFLAGS ()] x", fetch("FLAGS ()")],
    "7.4.2/body-as-bodystructure": [fetch(f"BODY {TEXT}"), fetch(f"BODYSTRUCTURE {TEXT}")],
    "7.4.2/body-lines": [
        fetch(f'BODY {TEXT} BODY[1] ""'),
        fetch(f"BODY {TEXT} BODY[1] {literal(chr(10) + BREAK + BREAK)}"),
        fetch(f"BODY {TEXT} BODY[1] {literal(chr(13) + BREAK + BREAK)}"),
        fetch(f'BODY {PLAIN} BODY[1] "abc"'),
        fetch(f"BODY {TEXT} BODY[1] NIL"),
    ],
    "7.4.2/group-has-an-end": [fetch("UID 1")],
    "7.4.2/body-size": [
        fetch(f'BODY {TEXT} BODY[1]<0> "a" BODY[1.MIME] "a" BODY[2] "" BODY[HEADER] "" BODY[] ""'),
        fetch(f"BODY {TEXT} BODY[1] NIL"),
        fetch(f'BODY {MESSAGE} BODY[1] "any" BODY[1.1] "any"'),
        fetch(f'BODY ({MESSAGE.replace(TEXT, MESSAGE)} "M") BODY[1.1] "any"'),
        fetch('BODY[1] "a"'),
    ],
    "7.4.2/headers-7-bit": [fetch('BODY[TEXT] {1}\r\n\xe4 BODY[1.TEXT] "" UID 1')],
    "9/flag-extension": [fetch(r"FLAGS (\Foo)"), r'* LIST (\Foo) "/" x'],
    "9/imap4-first": ["* CAPABILITY IMAP4rev1 IMAP4rev2"],
    "9/number-range": [
        "* OK 4294967296",
        "* OK [X 4294967296] x",
        "* FLAGS (4294967296)",
        '* LIST () "/" 4294967296',
    ],
}
