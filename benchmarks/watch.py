"""Other people's clients through `imapspec watch`: what is found in their sessions with Dovecot, and what the watch costs a response.

Run by `make bench`. Each client that is installed (imaplib, IMAPClient, aioimaplib, mbsync) does a whole session through the watch, with
STARTTLS where it can. Then one client sends the same commands directly and through the watch, in turns; the difference divided by the
number of responses is the cost of one. The exit code is 2 if Dovecot is not installed.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import json
import re
import shutil
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import ImapspecError
from conformance.servers import open_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.servers.base import Account

MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.org\r\nSubject: a session\r\n"
    b"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nMessage-ID: <1@example.org>\r\n\r\nOne line.\r\n"
)
ROUNDS = 7
#: Of one round.
COMMANDS = 400


@contextlib.contextmanager
def watch(address: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """The program between; its port and the authority that clients have to trust."""
    program = subprocess.Popen(
        [
            *(sys.executable, "-m", "conformance.cli", "watch", address, "--insecure"),
            *("--listen", "0", "--report-dir", str(folder)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    authority, port = Path(), 0
    for line in program.stdout:
        if found := re.search(r"have to trust (\S+)", line):
            authority = Path(found[1])
        if found := re.search(r"watching  imaps?://127\.0\.0\.1:(\d+)", line):
            port = int(found[1])
            break
    try:
        yield port, authority
    finally:
        program.send_signal(signal.SIGINT)
        program.communicate()


def with_imaplib(port: int, authority: Path, account: Account) -> None:
    client = imaplib.IMAP4("localhost", port, timeout=30)
    client.starttls(ssl.create_default_context(cafile=authority))
    client.login(account.user, account.password)
    client.create("first")
    client.append("first", "(\\Flagged)", "", MESSAGE)
    client.select("first")
    client.fetch("1:*", "(FLAGS UID ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE BODY.PEEK[])")
    client.fetch("1", "BODY[HEADER.FIELDS (SUBJECT DATE)]<0.10>")
    client.search(None, "OR", "FLAGGED", "SUBJECT", '"session"')
    client.uid("COPY", "1", "INBOX")
    client.store("1", "+FLAGS", "(\\Deleted kept)")
    client.list()
    client.lsub()
    client.status("first", "(MESSAGES UIDNEXT)")
    client.expunge()
    client.close()
    client.rename("first", "second")
    client.delete("second")
    client.logout()


def with_imapclient(port: int, authority: Path, account: Account) -> None:
    from imapclient import IMAPClient

    client = IMAPClient("localhost", port, ssl=False, timeout=30)
    client.starttls(ssl.create_default_context(cafile=authority))
    client.login(account.user, account.password)
    client.id_({"name": "benchmark"})
    client.namespace()
    client.create_folder("third")
    client.append("third", MESSAGE, flags=["\\Seen"])
    client.select_folder("third")
    client.fetch([1], ["FLAGS", "ENVELOPE", "BODYSTRUCTURE", "BODY[]", "MODSEQ"])
    client.search(["ALL"])
    client.sort("ARRIVAL")
    client.thread()
    client.folder_status("third")
    client.idle()
    client.idle_check(timeout=0.2)
    client.idle_done()
    client.add_flags([1], ["\\Deleted"])
    client.expunge()
    client.unselect_folder()
    client.enable("CONDSTORE")
    client.list_folders()
    client.delete_folder("third")
    client.logout()


def with_aioimaplib(port: int, _authority: Path, account: Account) -> None:
    from aioimaplib import IMAP4

    async def session() -> None:
        client = IMAP4(host="localhost", port=port, timeout=30)
        await client.wait_hello_from_server()
        await client.login(account.user, account.password)
        await client.append(MESSAGE, mailbox="INBOX")
        await client.select("INBOX")
        await client.fetch("1:*", "(UID FLAGS BODY.PEEK[HEADER])")
        await client.uid_search("ALL")
        idle = await client.idle_start(timeout=1)
        client.idle_done()
        await asyncio.wait_for(idle, 30)
        await client.logout()

    asyncio.run(session())


def with_mbsync(port: int, authority: Path, account: Account) -> None:
    """Synchronise twice: all messages come, then nothing changes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rc").write_text(
            f"IMAPAccount a\nHost localhost\nPort {port}\nUser {account.user}\nPass {account.password}\n"
            f"SSLType STARTTLS\nCertificateFile {authority}\n\nIMAPStore far\nAccount a\n\n"
            f"MaildirStore near\nPath {folder}/mail/\nInbox {folder}/mail/INBOX\nSubFolders Verbatim\n\n"
            "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n"
        )
        (folder / "mail").mkdir()
        for _ in range(2):
            subprocess.run(["mbsync", "-q", "-c", folder / "rc", "-a"], check=True, timeout=60)


CLIENTS: dict[str, Callable[[int, Path, Account], None]] = {
    "imaplib": with_imaplib,
    "IMAPClient": with_imapclient,
    "aioimaplib": with_aioimaplib,
    "mbsync": with_mbsync,
}


def sessions(address: str, account: Account, folder: Path) -> None:
    """A session of every client, and what was found in them."""
    for name, session in CLIENTS.items():
        if name == "mbsync" and not shutil.which(name):
            print(f"{name:12} not installed")
            continue
        with watch(address, folder) as (port, authority):
            try:
                session(port, authority, account)
            except ImportError:
                print(f"{name:12} not installed")
                continue
            time.sleep(0.2)  # the end of the connection reaches the watch
        records = [json.loads(line) for line in (folder / "run.jsonl").read_text().splitlines()]
        responses = sum(r["record"] == "step" and r["kind"] == "receive" for r in records)
        aside = sum(str(r.get("note", "")).startswith("not validated") for r in records)
        found = sorted({r["signature"] for r in records if r["record"] == "finding"})
        print(
            f"{name:12} {responses:4} responses, {aside} not validated, findings: {', '.join(found) or 'none'}"
        )


def seconds(port: int, account: Account) -> float:
    """Of a round of commands, each with two responses."""
    client = imaplib.IMAP4("localhost", port, timeout=30)
    client.login(account.user, account.password)
    client.select("INBOX")
    begun = time.perf_counter()
    for _ in range(COMMANDS):
        client.fetch("1", "(FLAGS UID ENVELOPE)")
    spent = time.perf_counter() - begun
    client.logout()
    return spent


def cost(direct: int, address: str, account: Account, folder: Path) -> None:
    """What the watch adds to a response."""
    with watch(address, folder) as (port, _):
        rounds = [(seconds(direct, account), seconds(port, account)) for _ in range(ROUNDS)]
    added = [(through - straight) / (2 * COMMANDS) * 1e6 for straight, through in rounds]
    ratio = statistics.median(through / straight for straight, through in rounds)
    print(
        f"the watch adds {min(added):.0f} (lowest) / {statistics.median(added):.0f} (median) us to a response;"
    )
    print(f"a command takes {ratio:.2f} times as long")


def main() -> int:
    """Both; returns the exit code."""
    try:
        server = open_server("dovecot")
        server.start()
    except ImapspecError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        account = server.accounts[0]
        direct = server.dialer.address.port
        address = f"imap://127.0.0.1:{direct}"
        with tempfile.TemporaryDirectory() as name:
            sessions(address, account, Path(name))
            cost(direct, address, account, Path(name))
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
