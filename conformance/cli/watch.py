"""`imapspec watch`: stand between somebody's client and a server, and judge what the server says."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conformance import catalogue, expectations
from conformance.cli.common import settings_of, shown_command, target_of
from conformance.cli.ending import tell
from conformance.cli.verdict import say
from conformance.errors import ImapspecError, UsageError
from conformance.runner.conduct import Conductor
from conformance.runner.plan import Plan
from conformance.runner.recorder import Recorder
from conformance.scenario.load import find
from conformance.servers.certificates import issue
from conformance.transport import TCPDialer, towards_clients
from conformance.watch.proxy import Ends, Proxy

if TYPE_CHECKING:
    from argparse import Namespace
    from collections import Counter
    from collections.abc import Callable

    from conformance.transport import TLSContext


def watch(options: Namespace) -> int:
    """Listen until Ctrl-C, then write the report. Raises `ImapspecError`."""
    target = options.target or options.configured_target
    if target is None or "://" not in target:
        raise UsageError(
            "watch needs the address of the server that the clients are meant for: imap://HOST:PORT."
        )
    known = expectations.Expectations()
    if options.expect is not None:
        known = expectations.read(options.expect, find(), catalogue.load())
    plan = Plan(
        target=target_of(options, target),
        settings=settings_of(options),
        report_dir=options.report_dir,
        command=shown_command(options.argv),
        expectations=known,
        today=dt.datetime.now(dt.UTC).date(),
        strict=options.strict,
    )
    conductor = Conductor(plan)
    with tempfile.TemporaryDirectory(prefix="imapspec-watch-") as folder:
        context = _certificate(options, Path(folder))
        conductor.launch()
        cases, error = _listen(conductor, options, context)
    return say(conductor.finish(cases, error=error), options)


def _listen(
    conductor: Conductor, options: Namespace, context: TLSContext
) -> tuple[list[str], ImapspecError | None]:
    """Watch; the ids of the connections, and what ended the watch before its time."""
    plan, server = conductor.plan, conductor.server
    assert server is not None
    recorder = Recorder(plan.part("watch"), server.accounts)
    proxy: Proxy | None = None
    try:
        server.start()
        dialer = server.dialer
        assert isinstance(dialer, TCPDialer)
        ends = Ends(
            dialer.address,
            dialer.tls.server_name or dialer.address.host,
            dialer.context,
            context,
            client_tls=options.listen_tls,
            timeout=plan.settings.timeout,
        )
        proxy = Proxy(ends, recorder, tell if not options.quiet else lambda _: None)
        asyncio.run(_until_stopped(proxy, options))
    except ImapspecError as failed:
        return (proxy.cases if proxy else []), failed
    finally:
        recorder.close()
    conductor.header = dataclasses.replace(conductor.header, greeting=proxy.greeting)
    _tell_unvalidated(proxy.unvalidated)
    return proxy.cases, None


def _certificate(options: Namespace, folder: Path) -> TLSContext:
    if options.cert is None:
        files = issue(folder)
        tell(f"clients that use TLS have to trust {files.ca_file}")
        return towards_clients(files.certificate, files.key)
    return towards_clients(options.cert, options.key)


async def _until_stopped(proxy: Proxy, options: Namespace) -> None:
    host, port = options.listen
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    try:
        await proxy.serve(host, port, _told(host, options))
    except asyncio.CancelledError:
        tell("")
    except OSError as error:
        raise UsageError(
            f"nobody can listen at {host}:{port}: {error.strerror}. Choose another --listen."
        ) from None


def _told(host: str, options: Namespace) -> Callable[[int], None]:
    how = "imaps" if options.listen_tls else "imap"
    shown = f"[{host}]" if ":" in host else host
    return lambda port: tell(f"watching  {how}://{shown}:{port}  Ctrl-C ends it and writes the report")


def _tell_unvalidated(found: Counter[str]) -> None:
    """Data of extensions are no findings, and no proof of anything."""
    if found:
        names = ", ".join(f"{name} ({count})" for name, count in sorted(found.items()))
        tell(f"not validated, because their grammar is not there yet: {names}")
