"""Carries the octets between any number of clients and one server, and lets an observer look at them.

TLS ends on both sides: the server sees a client of ours, the client sees a certificate of ours. STARTTLS is followed, compression needs
nothing. All connections live in one thread, so that the journal needs no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import grammar, journal
from conformance.runner.client import Play
from conformance.watch.observer import Observer

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable

    from conformance.runner.recorder import Records
    from conformance.transport import Address, TLSContext

_CHUNK = 65_536
#: Connections at a time: each has a view of its mailbox in memory.
_CONNECTIONS = 200


@dataclass(frozen=True)
class Ends:
    """Where the proxy stands: the server, and how TLS is done with it and with clients. `client_tls`: clients begin with TLS."""

    server: Address
    server_name: str  #: to be found in its certificate
    towards_server: TLSContext
    towards_clients: TLSContext
    client_tls: bool
    timeout: float  #: seconds for connections and handshakes


class Proxy:
    """`serve` until it is cancelled. `told` hears a line about each connection."""

    def __init__(self, ends: Ends, records: Records, told: Callable[[str], None]) -> None:
        self.cases: list[str] = []  #: ids of the connections, in their order
        self.observers: list[Observer] = []
        self._ends = ends
        self._records = records
        self._told = told
        self._numbers = itertools.count(1)
        self._open = asyncio.Semaphore(_CONNECTIONS)

    async def serve(self, host: str, port: int, ready: Callable[[int], None]) -> None:
        """Listen; `ready` hears the port. Raises `OSError` when nobody can listen there."""
        context = self._ends.towards_clients if self._ends.client_tls else None
        listener = await asyncio.start_server(self._accept, host, port, ssl=context)
        async with listener:
            ready(listener.sockets[0].getsockname()[1])
            await listener.serve_forever()

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        async with self._open:
            await self._connection(reader, writer)

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        number = next(self._numbers)
        case = f"watch/connection-{number}"
        peer = writer.get_extra_info("peername")
        title = f"Connection {number}, of a client at {peer[0]}" if peer else f"Connection {number}"
        self._records.write(journal.Case(case, title, "", "", ()))
        self.cases.append(case)
        play = Play(case, 1, self._records)
        observer = Observer(grammar.load(), play)
        self.observers.append(observer)
        try:
            await _Relay(self._ends, observer, reader, writer).run()
        finally:
            writer.close()
            asked = dict(sorted(observer.session.asked.items()))
            self._records.write(journal.Tally(case, 1, round(play.elapsed, 4), asked))
            found = len(play.violations)
            self._told(
                f"{case}: {play.step_count} steps, {found or 'no'} finding{'s' if found != 1 else ''}"
                + (f"; {observer.deaf}" if observer.deaf else "")
            )


class _Relay:
    """One connection in both directions."""

    def __init__(self, ends: Ends, observer: Observer, reader: StreamReader, writer: StreamWriter) -> None:
        self._ends = ends
        self._observer = observer
        self._reader, self._writer = reader, writer

    async def run(self) -> None:
        """Until one side has closed the connection."""
        ends, observer = self._ends, self._observer
        tls = ends.towards_server if ends.server.scheme == "imaps" else None
        try:
            async with asyncio.timeout(ends.timeout):
                there, back = await asyncio.open_connection(
                    ends.server.host,
                    ends.server.port,
                    ssl=tls,
                    server_hostname=ends.server_name if tls else None,
                )
        except OSError as error:
            observer.refused(f"refused: {error.strerror or error}")
            return
        observer.opened(encrypted=tls is not None)
        try:
            await self._both(there, back)
        finally:
            back.close()

    async def _both(self, there: StreamReader, back: StreamWriter) -> None:
        observer = self._observer
        up = asyncio.create_task(self._upwards(back))
        try:
            while octets := await _read(there):
                observer.server(octets)
                if not observer.tls_due:
                    self._writer.write(octets)
                    await self._writer.drain()
                    continue
                up.cancel()  # what comes next from the client is its handshake
                with contextlib.suppress(asyncio.CancelledError):
                    await up
                plain = self._writer.transport
                assert isinstance(plain, asyncio.Transport)
                plain.pause_reading()
                self._writer.write(octets)
                await self._handshake(back)
                up = asyncio.create_task(self._upwards(back))
            if not up.done():
                observer.ended("closed")
        except (ConnectionError, TimeoutError, OSError) as error:
            if not up.done():
                observer.ended(f"reset: {error}")
        finally:
            up.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await up

    async def _upwards(self, back: StreamWriter) -> None:
        """What the client sends, until it closes the connection; then the server's side is closed too."""
        with contextlib.suppress(ConnectionError):
            while octets := await _read(self._reader):
                self._observer.client(octets)
                back.write(octets)
                await back.drain()
        self._observer.left()
        back.close()

    async def _handshake(self, back: StreamWriter) -> None:
        """With both sides; the server's comes first, so that a client does not trust what is not there."""
        ends = self._ends
        await back.start_tls(
            ends.towards_server, server_hostname=ends.server_name, ssl_handshake_timeout=ends.timeout
        )
        await self._writer.start_tls(ends.towards_clients, ssl_handshake_timeout=ends.timeout)
        self._observer.over_tls()


async def _read(reader: StreamReader) -> bytes:
    """Some octets, none at the end."""
    return await reader.read(_CHUNK)
