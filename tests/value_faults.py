"""Single lines that are well formed, as far as the formal syntax goes, and wrong in one way: the other half of `faults.FAULTS`.

Must not import the package: requirements are names here.
"""

from __future__ import annotations

from faults import Fault, before, instead, on, replacing, without

#: A session in which the server authenticates us.
EXCHANGE = """\
title: A session that begins with AUTHENTICATE
proves: rfc3501/2.2.2/stays-in-step
state: greeted

C: AUTHENTICATE PLAIN
S: +
C~ ${plain}\\r\\n
S: OK
"""

#: A message that is read in two sessions, one behind the other.
TWICE = """\
title: A message that is read twice
proves: rfc3501/2.2.2/stays-in-step
state: selected

C: FETCH 1 (BODY.PEEK[])
S: OK
reconnect
C: EXAMINE ${mailbox}
S: OK
C: FETCH 1 (BODY.PEEK[])
S: OK
"""

#: A session that asks for more than flags by UID.
BY_UID = """\
title: A session with UID FETCH
proves: rfc3501/2.2.2/stays-in-step
state: selected

C: UID FETCH 1 (RFC822.SIZE)
S: OK
"""

_TEXT = b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 3 1'
_OTHER = b'("A" "B" NIL NIL NIL "7BIT" 3'
_ENVELOPE = b'(NIL "a" NIL NIL NIL NIL NIL NIL NIL NIL)'
_EXTENSION = b" NIL NIL NIL NIL"


def _says(requirement: str, observed: str, line: bytes, during: str = "CHECK") -> Fault:
    """Where no mailbox and no message suffers from it."""
    return Fault(f"rfc3501/{requirement}", observed, on(during, before(line + b"\r\n")))


def _fetched(items: bytes) -> bytes:
    return b"* 3 FETCH (" + items + b")"


def _known(*items: bytes) -> bytes:
    """Of a message whose UID we know, one line after the other."""
    return b"\r\n".join(b"* 2 FETCH (" + each + b")" for each in items)


def _named(name: bytes) -> bytes:
    return b'* LIST () "/" "' + name + b'"'


FAULTS = {
    "a message gets another date": _says(
        "2.3.1.1/date-immutable",
        "changed-INTERNALDATE",
        _known(
            b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"', b'UID 3 INTERNALDATE "17-Jul-1996 02:44:26 -0700"'
        ),
    ),
    "a message gets another envelope": _says(
        "2.3.1.1/envelope-immutable",
        "changed-ENVELOPE",
        _known(
            b'ENVELOPE (NIL "a" NIL NIL NIL NIL NIL NIL NIL NIL)',
            b'ENVELOPE (NIL "b" NIL NIL NIL NIL NIL NIL NIL NIL)',
        ),
    ),
    "a message gets another text": _says(
        "2.3.1.1/message-immutable", "changed-BODY[]", _known(b'BODY[TEXT] "a"', b'BODY[TEXT] "b"')
    ),
    "a message gets another text in another session": Fault(
        "rfc3501/2.3.1.1/message-immutable",
        "changed-BODY[]",
        lambda command, replies: (
            on("FETCH", replacing((b"Ann", b"Eve")))(command, replies)
            if command.connection.box and command.connection.box.read_only
            else [*replies]
        ),
        walk=TWICE,
    ),
    "a message gets another size": _says(
        "2.3.1.1/size-immutable", "changed-RFC822.SIZE", _known(b"RFC822.SIZE 5", b"RFC822.SIZE 6")
    ),
    "a message gets another structure": _says(
        "2.3.1.1/structure-immutable",
        "changed-BODY",
        _known(b"BODY " + _OTHER + b")", b"BODY " + _OTHER.replace(b"7BIT", b"8BIT") + b")"),
    ),
    "UIDNEXT is not above the UIDs that there are": Fault(
        "rfc3501/2.3.1.1/uidnext-above-uids",
        "not-above",
        on(("EXAMINE", "SELECT"), replacing((b"UIDNEXT 4", b"UIDNEXT 3"))),
    ),
    "UIDNEXT falls": Fault(
        "rfc3501/2.3.1.1/uidnext-stays", "falls", on("EXAMINE", replacing((b"UIDNEXT 4", b"UIDNEXT 9")))
    ),
    "a message of the set is left out": Fault(
        "rfc3501/6.4.5/all-items", "missing", on("FETCH 1 (FLAGS)", without(b"* 1 FETCH"))
    ),
    "an answer to UID FETCH has no UID": Fault(
        "rfc3501/6.4.8/uid-included", "missing", on("UID FETCH", replacing((b"UID 1 ", b""))), walk=BY_UID
    ),
    "a flag is there twice": _says("2.3.2/flag-once", "repeated-in-FETCH", _fetched(rb"FLAGS (\Seen \seen)")),
    "a flag is offered twice": _says(
        "2.3.2/flag-once", "repeated-in-FLAGS", rb"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft a b a)"
    ),
    "a permanent flag is offered twice": _says(
        "2.3.2/flag-once", "repeated-in-PERMANENTFLAGS", rb"* OK [PERMANENTFLAGS (\Seen \Seen)] x"
    ),
    "a day that no month has": _says(
        "2.3.3/internal-date", "no-such-day", _fetched(b'INTERNALDATE "30-Feb-1996 02:44:25 +0000"')
    ),
    "a time that no day has": _says(
        "2.3.3/internal-date", "no-such-time", _fetched(b'INTERNALDATE "29-Feb-1996 24:00:00 +0000"')
    ),
    "a size that is not that of the text": _says(
        "2.3.4/size-in-octets", "differs", _fetched(b'RFC822.SIZE 4 BODY[] "abc"')
    ),
    "a size that is not that of RFC822": _says(
        "2.3.4/size-in-octets", "differs", _fetched(b'RFC822.SIZE 2 RFC822 "abc"')
    ),
    "more of the text than there is": _says(
        "2.3.4/size-in-octets", "partial", _fetched(b'RFC822.SIZE 3 BODY[]<1> "abc"'), "FETCH 1 (BODY.PEEK[])"
    ),
    "an 8-bit name": _says("5.1/names-7-bit", "in-LIST", b'* LIST () "/" {4}\r\nK\xe4se'),
    "a name whose shift does not end": _says("5.1.3/modified-utf-7", "not-ended", _named(b"R&D")),
    "a name with a control character": _says("5.1.3/modified-utf-7", "control-character", _named(b"a\x01&-")),
    "a name that is no BASE64": _says("5.1.3/modified-utf-7", "not-base64", _named(b"a&b!-")),
    "a name that is no UTF-16": _says("5.1.3/modified-utf-7", "not-utf-16", _named(b"a&2AA-")),
    "a name that shifts twice": _says("5.1.3/modified-utf-7", "superfluous-shift", _named(b"&AOQ-&AOQ-")),
    "a name that encodes a letter": _says(
        "5.1.3/modified-utf-7", "printable-encoded", b'* LSUB () "/" "&AGE-"'
    ),
    "a challenge in plain words": Fault(
        "rfc3501/6.2.2/challenge-base64",
        "not-base64",
        on("continuation", instead(b"+ Say on.\r\n")),
        walk=EXCHANGE,
    ),
    "more unseen messages than messages": _says(
        "6.3.10/counts-within-messages", "UNSEEN-above-MESSAGES", b'* STATUS "a" (UNSEEN 2 MESSAGES 1)'
    ),
    "more recent messages than messages": _says(
        "6.3.10/counts-within-messages", "RECENT-above-MESSAGES", b'* STATUS "a" (RECENT 1 MESSAGES 0)'
    ),
    "a charset where nothing is searched": _says(
        "7.1/badcharset-of-search", "another-command", b"* NO [BADCHARSET (US-ASCII)] x"
    ),
    "a missing mailbox where none is needed": _says(
        "7.1/trycreate-of-append-or-copy", "another-command", b"* NO [TRYCREATE] x"
    ),
    "permanent flags of no mailbox": _says(
        "7.1/permanentflags-of-a-mailbox", "no-mailbox", rb"* OK [PERMANENTFLAGS (\Seen)] x", "STATUS"
    ),
    "no mailbox can be read only": _says(
        "7.1/read-only-of-a-mailbox", "no-mailbox", b"* NO [READ-ONLY] x", "STATUS"
    ),
    "no mailbox can be written": _says(
        "7.1/read-write-of-a-mailbox", "no-mailbox", b"* OK [READ-WRITE] x", "STATUS"
    ),
    "the next UID of no mailbox": _says(
        "7.1/uidnext-of-a-mailbox", "no-mailbox", b"* OK [UIDNEXT 7] x", "STATUS"
    ),
    "the UIDVALIDITY of no mailbox": _says(
        "7.1/uidvalidity-of-a-mailbox", "no-mailbox", b"* OK [UIDVALIDITY 7] x", "STATUS"
    ),
    "an unseen message in no mailbox": _says(
        "7.1/unseen-of-a-mailbox", "no-mailbox", b"* OK [UNSEEN 7] x", "STATUS"
    ),
    "a text that shows the name of an exception": _says(
        "7.1/text-for-people", "exception", b"* NO KeyError in the index"
    ),
    "a text that shows where the mail is": _says(
        "7.1/text-for-people", "path", b"* NO cannot open /var/mail/alice/box"
    ),
    "a text that shows a traceback": _says(
        "7.1/text-for-people", "traceback", b"* NO Traceback (most recent call last):"
    ),
    "a response code of its own": _says("7.1/code-registered", "unregistered", b"* NO [TIRED] x"),
    "a capability is there twice": _says(
        "7.2.1/capability-once", "repeated-in-CAPABILITY", b"* CAPABILITY IMAP4rev1 IDLE imap4REV1"
    ),
    "a mailbox attribute is there twice": _says(
        "7.2.2/attribute-once", "repeated-in-LSUB", rb'* LSUB (\Noinferiors \NoInferiors) "/" x'
    ),
    "a data item of STATUS is there twice": _says(
        "7.2.4/item-once", "repeated-in-STATUS", b'* STATUS "a" (MESSAGES 1 MESSAGES 1)'
    ),
    "a message is found twice": _says("7.2.5/number-once", "repeated-in-SEARCH", b"* SEARCH 1 2 1"),
    "FLAGS without a system flag": _says(
        "7.2.6/system-flags", "missing", rb"* FLAGS (\Answered \Flagged \Deleted \Seen)"
    ),
    "a data item of FETCH is there twice": _says(
        "7.4.2/item-once", "repeated-in-FETCH", _fetched(b"FLAGS () FLAGS ()")
    ),
    "BODY tells something else than BODYSTRUCTURE": _says(
        "7.4.2/body-as-bodystructure",
        "differs",
        _fetched(b"BODY " + _TEXT + b") BODYSTRUCTURE " + _TEXT.replace(b"7BIT", b"8BIT") + b")"),
    ),
    "a part's size is not that of its text": _says(
        "7.4.2/body-size", "differs", _fetched(b"BODYSTRUCTURE " + _TEXT + b') BODY[1] "abcd"')
    ),
    "a part's lines are not those of its text": _says(
        "7.4.2/body-lines",
        "differs",
        _fetched(b"BODY " + _TEXT.removesuffix(b" 1") + b' 3) BODY[1] "abc"'),
    ),
    "a group has no end": _says(
        "7.4.2/group-has-an-end",
        "group-without-end",
        _fetched(b'ENVELOPE (NIL NIL NIL NIL NIL ((NIL NIL "g" NIL)) NIL NIL NIL NIL)'),
    ),
    "the header lacks its blank line": _says(
        "6.4.5/header-and-text",
        "differs",
        _fetched(b'BODY[] {9}\r\nA: b\r\n\r\nc BODY[HEADER] {6}\r\nA: b\r\n BODY[TEXT] "c"'),
    ),
    "a window is from somewhere else": _says(
        "6.4.5/partial-is-substring",
        "differs",
        _fetched(b'BODY[1] "abcd" BODY[1]<1> "ab"'),
        "FETCH 1 (BODY.PEEK[])",
    ),
    "a header field is lost": _says(
        "6.4.5/header-fields-of-header",
        "differs",
        _fetched(b"BODY[HEADER] {8}\r\nA: b\r\n\r\n BODY[HEADER.FIELDS (A)] {2}\r\n\r\n"),
    ),
    "a subject that the header has not": _says(
        "7.4.2/envelope-as-header",
        "absent-and-told",
        _fetched(b'ENVELOPE (NIL "a" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.HEADER {8}\r\nA: b\r\n\r\n'),
    ),
    "a type that the header has not": _says(
        "7.4.2/body-as-header",
        "differs",
        _fetched(b"BODY (" + _OTHER + b') "M") BODY[1.MIME] {21}\r\nContent-Type: A/C\r\n\r\n'),
    ),
    "RFC822 is not BODY[]": _says("6.4.5/rfc822-equals-body", "differs", _fetched(b'BODY[] "ab" RFC822 "a"')),
    "a text has no lines": _says(
        "7.4.2/body-type-fields", "body-type-text", _fetched(b"BODY " + _TEXT.removesuffix(b" 1") + b")")
    ),
    "a message within has no envelope": _says(
        "7.4.2/body-type-fields",
        "message-without-envelope",
        _fetched(b'BODY ("MESSAGE" {6}\r\nrfc822 NIL NIL NIL "7BIT" 1)'),
    ),
    "BODY has extension data": _says(
        "7.4.2/body-without-extension", "extension-data", _fetched(b"BODY " + _TEXT + _EXTENSION + b")")
    ),
    "a part of BODY has extension data": _says(
        "7.4.2/body-without-extension", "extension-data", _fetched(b"BODY (" + _OTHER + b' NIL) "MIXED")')
    ),
    "BODYSTRUCTURE has extension data of its own": _says(
        "7.4.2/defined-extension-only", "undefined", _fetched(b"BODYSTRUCTURE " + _TEXT + _EXTENSION + b" 7)")
    ),
    "8-bit characters in a header": _says(
        "7.4.2/headers-7-bit", "in-header", _fetched(b"BODY[HEADER.FIELDS (SUBJECT)] {4}\r\nK\xe4se")
    ),
    "a multipart as a type of body": _says(
        "7.4.2/multipart-nested", "as-a-type", _fetched(b'BODY ("multipart" "MIXED" NIL NIL NIL "7BIT" 3)')
    ),
    "a part of a text that nobody asked for": _says(
        "7.4.2/origin-when-asked", "not-asked", _fetched(b'BODY[]<0> "abc"')
    ),
    "a system flag of its own": _says(
        "9/flag-extension", "in-FLAGS", rb"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft \Odd)"
    ),
    "a permanent system flag of its own": _says(
        "9/flag-extension", "in-PERMANENTFLAGS", rb"* OK [PERMANENTFLAGS (\Seen \Junk \*)] kept"
    ),
    "a capability of its own": _says(
        "7.2.1/capability-registered", "unregistered", b"* CAPABILITY IMAP4rev1 SNIPPET=FUZZY"
    ),
    "IMAP4 behind IMAP4rev1": _says("9/imap4-first", "not-first", b"* CAPABILITY IMAP4rev1 IMAP4"),
    "a message number of more than 32 bits": _says(
        "9/number-range", "too-large-SEARCH", b"* SEARCH 4294967296"
    ),
    "a size of more than 32 bits": _says(
        "9/number-range", "too-large-RFC822.SIZE", _fetched(b"RFC822.SIZE 4294967296")
    ),
    "a UID of more than 32 bits": _says(
        "9/number-range", "too-large-UIDNEXT", b"* OK [UIDNEXT 4294967296] next"
    ),
    "a zone of more than 59 minutes": _says(
        "9/zone-minutes", "minutes", _fetched(b'INTERNALDATE "17-Jul-1996 02:44:25 +0160"')
    ),
}

#: Well formed and right: no check may find fault with them.
RIGHT = (
    _known(
        b'INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 5 BODY[TEXT] "a"',
        b"BODY " + _OTHER + b") ENVELOPE " + _ENVELOPE,
        b'UID 3 INTERNALDATE "17-Jul-1996 11:44:25 +0200" RFC822.SIZE 5 BODY[TEXT] "a" RFC822.TEXT NIL',
        b"BODY " + _OTHER + b") ENVELOPE " + _ENVELOPE,
    ),
    b"* OK [UNSEEN 1] x",
    rb"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft odd)",
    rb"* OK [PERMANENTFLAGS (\Seen odd \*)] x",
    rb'* LIST (\Noselect) "/" "Entw&APw-rfe &- &U,BTFw-"',
    rb'* LSUB () "/" a',
    b'* STATUS "a" (MESSAGES 1 UNSEEN 1 RECENT 0)',
    b"* CAPABILITY IMAP4 IMAP4rev1 IDLE",
    b"* SEARCH 2 1 4294967295",
    _fetched(rb'FLAGS (\Seen \Odd) INTERNALDATE "29-Feb-1996 23:59:60 -0130" RFC822.SIZE 3 BODY[] "abc"'),
    _fetched(b"BODY " + _TEXT + b") BODYSTRUCTURE " + _TEXT + _EXTENSION + b') BODY[1] "abc"'),
    _fetched(b"RFC822.HEADER NIL"),
    _fetched(b"BODY (" + _OTHER + b') "M") BODY[1.MIME] {21}\r\nContent-Type: A/B\r\n\r\n'),
    _fetched(
        b"ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) BODY[HEADER] {8}\r\nA: b\r\n\r\n BODY[HEADER.FIELDS (B)] {2}\r\n\r\n"
    ),
    _fetched(b'ENVELOPE (NIL NIL NIL NIL NIL ((NIL NIL "g" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)'),
    _fetched(b'RFC822 {9}\r\nA: b\r\n\r\nc BODY[HEADER] {8}\r\nA: b\r\n\r\n BODY[TEXT] "c" RFC822.TEXT "c"'),
)
#: The same, in the answer to a FETCH.
RIGHT_OF_FETCH = (_fetched(b'RFC822.SIZE 4 BODY[]<1> "abc"'), _fetched(b'BODY[1] "abc" BODY[1]<1> "bc"'))
