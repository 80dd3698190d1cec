"""`imapspec watch`: what goes between a client and a server is looked at, whatever it is, and arrives as it was."""

from __future__ import annotations

import imaplib
import re
import signal
import ssl
import zlib
from typing import TYPE_CHECKING

import pytest
from calls import Program, call, report, wait_for
from faults import FAULTS
from miniature import ACCOUNTS, Miniature, right

from conformance import grammar
from conformance.journal import Finding, Step
from conformance.runner.client import Play
from conformance.servers.certificates import issue
from conformance.transport import towards_clients
from conformance.watch.commands import LINE_LIMIT, CommandCutter
from conformance.watch.observer import Observer

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.journal import Record


class Kept:
    """Records in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def write(self, record: Record) -> None:
        self.records.append(record)

    @property
    def findings(self) -> list[str]:
        return [r.requirement for r in self.records if isinstance(r, Finding)]

    @property
    def steps(self) -> list[Step]:
        return [r for r in self.records if isinstance(r, Step)]


def watched(talk: str) -> tuple[Kept, Observer]:
    r"""A connection: lines `C: ` and `S: `, each with CRLF behind it; `\r\n` in a line is another line end."""
    kept = Kept()
    observer = Observer(grammar.load(), Play("watch/connection-1", 1, kept))
    observer.opened(encrypted=False)
    for line in filter(None, talk.splitlines()):
        side, octets = line[:2], line[3:].replace("\\r\\n", "\r\n").encode("latin-1") + b"\r\n"
        (observer.client if side == "C:" else observer.server)(octets)
    return kept, observer


GREETED = """
S: * OK [CAPABILITY IMAP4rev1 LITERAL+ IDLE] hello
C: a LOGIN alice secret
S: a OK welcome
"""
SELECTED = f"""{GREETED}
C: b SELECT INBOX
S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
S: * 3 EXISTS
S: * 0 RECENT
S: b OK [READ-WRITE] done
"""

LISTED_8_BIT = 'C: c LIST "" *\nS: * LIST () "/" "K\xc3\xa4se"\nS: c OK x'

#: Talks in which everything is in order, each with what is not validated.
RIGHT = {
    "a literal": (f"{GREETED}\nC: b APPEND INBOX {{3}}\nS: + go on\nC: abc\nS: b OK done", ""),
    "a literal that is refused": (
        f"{GREETED}\nC: b APPEND nowhere {{5}}\nS: b NO none\nC: c NOOP\nS: c OK done",
        "",
    ),
    "a literal that looks like a command": (
        f"{GREETED}\nC: b APPEND INBOX {{10+}}\\r\\nx LOGOUT\\r\\n\nS: b OK done\nC: c NOOP\nS: c OK done",
        "",
    ),
    "two literals": (f"{GREETED}\nC: b LOGIN {{1}}\nS: + ok\nC: x {{1}}\nS: + ok\nC: y\nS: b NO no", ""),
    "commands in flight": (f"{GREETED}\nC: b NOOP\\r\\nc NOOP\nS: b OK done\nS: c OK done", ""),
    "AUTHENTICATE": (
        "S: * OK hello\nC: a AUTHENTICATE PLAIN\nS: + \nC: AGFsaWNlAHNlY3JldA==\nS: a OK done\nC: b NOOP\nS: b OK x",
        "",
    ),
    "IDLE": (
        f"{SELECTED}\nC: c IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nS: c OK done\nC: d NOOP\nS: d OK x",
        "",
    ),
    "UNSELECT": (f"{SELECTED}\nC: c UNSELECT\nS: c OK done\nC: d NOOP\nS: * 1 EXISTS\nS: d OK x", ""),
    "SEARCH RETURN": (
        f'{SELECTED}\nC: c UID SEARCH RETURN (ALL) 1:*\nS: * ESEARCH (TAG "c") UID ALL 1:3\nS: c OK done',
        "ESEARCH",
    ),
    "another capability's data": (
        f"{GREETED}\nC: b NAMESPACE\nS: * NAMESPACE NIL NIL NIL\nS: b OK x",
        "NAMESPACE",
    ),
    "MODSEQ": (f"{SELECTED}\nC: c FETCH 1 (MODSEQ)\nS: * 1 FETCH (MODSEQ (7))\nS: c OK x", "FETCH MODSEQ"),
    "SEARCH with MODSEQ": (
        f"{SELECTED}\nC: c SEARCH MODSEQ 1\nS: * SEARCH 1 (MODSEQ 7)\nS: c OK x",
        "SEARCH MODSEQ",
    ),
    "STATUS of an extension": (
        f"{GREETED}\nC: b STATUS x (SIZE)\nS: * STATUS x (SIZE 7)\nS: b OK x",
        "STATUS SIZE",
    ),
    "extended LIST": (
        f'{GREETED}\nC: b LIST (SUBSCRIBED) "" *\nS: * LIST () "/" x ("CHILDINFO" ("SUBSCRIBED"))\nS: b OK x',
        "LIST with extended data",
    ),
    "messages that have vanished": (
        f"{SELECTED}\nC: c NOOP\nS: * VANISHED 5,7\nS: * 1 EXISTS\nS: c OK x",
        "VANISHED",
    ),
    "UTF-8, switched on": (
        f"{GREETED}\nC: b ENABLE UTF8=ACCEPT\nS: * ENABLED UTF8=ACCEPT\nS: b OK x\n" + LISTED_8_BIT,
        "ENABLED, UTF8=ACCEPT",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_nobody_is_blamed_for_what_is_right_or_of_an_extension(name: str) -> None:
    talk, unvalidated = RIGHT[name]
    kept, observer = watched(talk)
    assert kept.findings == []
    assert ", ".join(sorted(observer.unvalidated)) == unvalidated
    assert [step.note for step in kept.steps if step.note.startswith("not validated")] == [
        f"not validated: {word}" for word in unvalidated.split(", ") if word
    ]
    assert not [step for step in kept.steps if step.problem]
    assert not observer.deaf


WRONG = {
    "no BYE": (f"{GREETED}\nC: b LOGOUT\nS: b OK done", "rfc3501/6.1.3/bye-before-ok"),
    "EXPUNGE while FETCH is in progress": (
        f"{SELECTED}\nC: c FETCH 1 FLAGS\nS: * 2 EXPUNGE\nS: c OK done",
        "rfc3501/7.4.1/no-expunge-during-fetch",
    ),
    "a continuation request out of turn": (
        f"{GREETED}\nC: b NOOP\nS: + go\nS: b OK x",
        "rfc3501/7.5/continuation-when-due",
    ),
    "a second completion": (f"{GREETED}\nC: b NOOP\nS: b OK x\nS: b OK x", "rfc3501/2.2.2/one-completion"),
    "a wrong tag": (f"{GREETED}\nC: b NOOP\nS: B OK x", "rfc3501/2.2.2/completion-tag"),
    "UTF-8, not switched on": (
        f"{GREETED}\n{LISTED_8_BIT}",
        "rfc3501/7.2.2/list-syntax",
    ),
    "a FETCH item without its value": (
        f"{SELECTED}\nC: c FETCH 1 UID\nS: * 1 FETCH (UID)\nS: c OK x",
        "rfc3501/7.4.2/fetch-syntax",
    ),
    "no SEARCH": (f"{SELECTED}\nC: c SEARCH ALL\nS: c OK x", "rfc3501/6.4.4/search-required"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found(name: str) -> None:
    talk, requirement = WRONG[name]
    kept, _ = watched(talk)
    assert kept.findings == [requirement]


@pytest.mark.parametrize(
    "talk",
    [
        "S: * OK hello\nC: a LOGIN alice secret\nS: a OK x",
        'S: * OK hello\nC: a login "alice" "secret"\nS: a NO x',
        "S: * OK hello\nC: a LOGIN alice {6}\nS: + go\nC: secret\nS: a OK x",
        "S: * OK hello\nC: a LOGIN {5+}\\r\\nalice {6+}\\r\\nsecret\nS: a OK x",
        "S: * OK hello\nC: a AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==\nS: a OK x",
        "S: * OK hello\nC: a AUTHENTICATE PLAIN\nS: + \nC: AGFsaWNlAHNlY3JldA==\nS: a OK x",
        "S: * OK hello\nC: a AUTHENTICATE LOGIN\nS: + VXNlcm5hbWU6\nC: YWxpY2U=\nS: + UGFzc3dvcmQ6\nC: c2VjcmV0\nS: a OK x",
    ],
)
def test_no_secret_of_a_client_is_written(talk: str) -> None:
    kept, _ = watched(talk + "\nC: b NOOP\nS: b OK x")
    sent = [step.octets for step in kept.steps if step.kind == "send"]
    assert not [text for text in sent for secret in ("secret", "AGFs", "c2Vj") if secret in text]
    assert any("********" in text for text in sent)
    assert sent[-1] == "b NOOP\r\n"


def test_what_is_compressed_is_read_from_where_it_begins() -> None:
    kept, observer = watched(GREETED)
    up, down = (zlib.compressobj(wbits=-zlib.MAX_WBITS) for _ in range(2))

    def packed(by: zlib._Compress, octets: bytes) -> bytes:
        return by.compress(octets) + by.flush(zlib.Z_SYNC_FLUSH)

    observer.client(b"b COMPRESS DEFLATE\r\n")
    observer.server(b"b OK active\r\n" + packed(down, b"* OK still here\r\n"))
    observer.client(packed(up, b"c LIST {1+}\r\n"))
    observer.client(packed(up, b"x *\r\n"))
    observer.server(packed(down, b"* LIST () NIL " + b"y" * 3_000_000 + b"\r\n* NONSENSE\r\nc OK done\r\n"))
    assert observer.deaf == "a limit was passed"
    assert [step.octets for step in kept.steps[-5:-1]] == [
        "* OK still here\r\n",
        "c LIST {1+}\r\n",
        "x",
        " *\r\n",
    ]


def test_compression_that_is_none_ends_the_watch_and_not_the_connection() -> None:
    _, observer = watched(f"{GREETED}\nC: b COMPRESS DEFLATE\nS: b OK active")
    observer.server(b"c OK in clear\r\n")
    assert "compressed wrong" in observer.deaf
    observer.server(b"and so on")
    observer.client(b"and so on")


def test_a_client_without_line_ends_is_not_kept_in_memory() -> None:
    cutter = CommandCutter()
    for _ in range(LINE_LIMIT // 65_536 + 1):
        cutter.receive(b"x" * 65_536)
    assert cutter.lost
    assert [piece.octets for piece in cutter.receive(b"more")] == [b"more"]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_pieces_do_not_depend_on_the_segments(size: int) -> None:
    octets = b"a NOOP\r\nb APPEND x {3+}\r\nab\n (c)\r\nc LOGIN {0+}\r\n x\r\nd NOOP\n"
    cutter = CommandCutter()
    pieces = [p for n in range(0, len(octets), size) for p in cutter.receive(octets[n : n + size])]
    assert b"".join(piece.octets for piece in pieces) == octets
    assert [(piece.tag, piece.rest.split()[0]) for piece in pieces if piece.tag] == [
        ("a", b"NOOP"), ("b", b"APPEND"), ("c", b"LOGIN"), ("d", b"NOOP"),
    ]  # fmt: skip


# ---- as a program -------------------------------------------------------------------------------------------------------


class Watch:
    """The program, listening."""

    def __init__(self, server: Miniature, folder: Path, *words: str) -> None:
        out = folder / "out"
        address = f"imap://127.0.0.1:{server.port}"
        self._program = Program("watch", address, "--listen", "0", *words, folder=folder, out=out)
        wait_for(lambda: "watching" in out.read_text())
        said = out.read_text()
        self.port = int(re.findall(r"watching  imaps?://127\.0\.0\.1:(\d+)", said)[0])
        self.authority = "".join(re.findall(r"have to trust (\S+)", said))

    def ended(self) -> int:
        """Ctrl-C; the exit code."""
        self._program.send(signal.SIGINT)
        return self._program.ended().code


def session(port: int) -> None:
    """A client that somebody else wrote."""
    client = imaplib.IMAP4("127.0.0.1", port, timeout=60)
    user, password = next(iter(ACCOUNTS.items()))
    client.login(user, password)
    client.create("box")
    client.append("box", "", "", b"Subject: x\r\n\r\ntext\r\n")
    assert client.select("box")[1] == [b"1"]
    assert client.search(None, "ALL") == ("OK", [b"1"])
    assert client.fetch("1", "(FLAGS)")[0] == "OK"
    client.store("1", "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.logout()


def test_a_session_of_another_client_is_in_order(tmp_path: Path) -> None:
    with Miniature(right) as server:
        watch = Watch(server, tmp_path)
        session(watch.port)
        session_ended(tmp_path, 1)
        assert watch.ended() == 0
    journal = report(tmp_path / "imapspec-report")
    assert journal.findings == []
    assert [case.id for case in journal.cases] == ["watch/connection-1"]
    assert {result.status for result in journal.results} == {"PASS"}
    assert "miniature" in journal.header.greeting
    text = (tmp_path / "imapspec-report" / "run.jsonl").read_text()
    assert not [password for password in ACCOUNTS.values() if password in text]


def session_ended(folder: Path, number: int) -> None:
    """Wait until the watch has seen the end of a connection."""
    wait_for(lambda: f"watch/connection-{number}: " in (folder / "out").read_text())


def test_what_a_wrong_server_says_to_another_client_is_found(tmp_path: Path) -> None:
    with Miniature(FAULTS["expunges during STORE"].wrong) as server:
        watch = Watch(server, tmp_path)
        client = imaplib.IMAP4("127.0.0.1", watch.port, timeout=60)
        client.login("alice", "white rabbit")
        client.create("box")
        client.append("box", "", "", b"Subject: x\r\n\r\ntext\r\n")
        client.select("box")
        client.store("1", "+FLAGS", "(\\Deleted)")
        client.shutdown()
        session_ended(tmp_path, 1)
        assert watch.ended() == 1
    journal = report(tmp_path / "imapspec-report")
    assert "rfc3501/7.4.1/no-expunge-during-fetch" in {finding.requirement for finding in journal.findings}
    page = (tmp_path / "imapspec-report" / "report.html").read_text()
    assert "Run just this" not in page


@pytest.mark.parametrize("begins", ["imap", "imaps"])
def test_tls_ends_on_both_sides(begins: str, tmp_path: Path) -> None:
    files = issue(tmp_path)
    with Miniature(right, tls=towards_clients(files.certificate, files.key)) as server:
        watch = Watch(
            server,
            tmp_path,
            "--ca-file",
            str(files.ca_file),
            *(["--listen-tls"] if begins == "imaps" else []),
        )
        trusting = ssl.create_default_context(cafile=watch.authority)
        if begins == "imaps":
            client = imaplib.IMAP4_SSL("localhost", watch.port, ssl_context=trusting, timeout=60)
        else:
            client = imaplib.IMAP4("localhost", watch.port, timeout=60)
            client.starttls(trusting)
        client.login("alice", "white rabbit")
        client.logout()
        session_ended(tmp_path, 1)
        assert watch.ended() == 0
    journal = report(tmp_path / "imapspec-report")
    assert journal.findings == []
    assert [step.kind for step in journal.steps].count("tls") == (begins == "imap")


def test_a_watch_that_nobody_used_says_so(tmp_path: Path) -> None:
    with Miniature(right) as server:
        assert Watch(server, tmp_path).ended() == 5


def test_a_server_that_is_gone_ends_the_clients_connection(tmp_path: Path) -> None:
    with Miniature(right) as server:
        watch = Watch(server, tmp_path)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        imaplib.IMAP4("127.0.0.1", watch.port, timeout=60)
    session_ended(tmp_path, 1)
    assert watch.ended() in (0, 5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pymap"], "address of the server"),
        ([], "address of the server"),
        (["imap://127.0.0.1:1"], "127.0.0.1:1"),
        (["imap://127.0.0.1:1", "--listen", "many"], "PORT"),
        (["imap://127.0.0.1:1", "--cert", "none.pem"], "none.pem"),
    ],
)
def test_what_cannot_be_watched_is_told(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called = call("watch", *words)
    assert called.code in (4, 6)
    assert said in called.err
