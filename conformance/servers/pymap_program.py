"""The program of the pymap process: python -P pymap_program.py SETTINGS, a JSON file. Certificates: CERT_FILE, KEY_FILE.

Uses pymap as it is: its dictionary back end, given one account more, and its IMAP service on two ports, the second inside TLS.
Imports nothing of ours, so that it starts fast.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Identity, Login
from pymap.imap import IMAPServer
from pymap.user import UserMetadata
from pysasl.hashing import BuiltinHash

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable


async def serve(settings: dict[str, Any]) -> None:
    """Serve until SIGTERM or SIGINT."""
    config = _config(starttls=True)
    login = Login(config)
    for user, password in settings["accounts"].items():
        metadata = UserMetadata(config, user, password=config.hash_context.hash(password))
        await Identity(user, login, None, frozenset()).set(metadata)
    config.apply_context()
    hosts = settings["hosts"]
    # Who greets on the second port has the first one too.
    servers = [
        await asyncio.start_server(_accept(login, config), host=hosts, port=settings["port"]),
        await asyncio.start_server(
            _accept(login, _config(starttls=False)),
            host=hosts,
            port=settings["tls_port"],
            ssl=config.ssl_context,
        ),
    ]
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    await told_to_end.wait()
    for server in servers:
        server.close()


def _accept(login: Login, config: Config) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
    return ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(login, config))


def _config(*, starttls: bool) -> Config:
    arguments = Namespace(
        host=None, port=0, debug=False, cert=None, key=None, tls=starttls, proxy_protocol=None, passlib_cfg=None,
        demo_data=False, demo_user="", demo_password="",
    )  # fmt: skip
    # A throw-away password needs no slow hash, and a test of wrong ones no delay.
    return Config.from_args(arguments, hash_context=BuiltinHash(rounds=1), invalid_user_sleep=0.0)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
