"""Carries the octets between any number of clients and one server, and lets an observer look at them.

TLS ends on both sides: the server sees a client of ours, the client sees a certificate of ours. STARTTLS is followed, compression needs
nothing. All connections live in one thread, so that the journal needs no lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance import grammar, journal
from conformance.runner.client import Play, for_a_run
from conformance.runner.recorder import Unrecorded
from conformance.watch.observer import Observer, Room

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Callable

    from conformance.runner.recorder import Records
    from conformance.transport import Address, TLSContext

#: Octets that are looked at before the other connections have their turn.
_CHUNK = 4_096
#: Octets that one side may be ahead of the other.
_AHEAD = 16_384
#: Connections that are watched at a time, and altogether: each has a view of its mailbox, and records. Others go through unwatched.
_AT_A_TIME, _ALTOGETHER = 200, 10_000


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
        self.greeting = ""  #: the first one
        self.unvalidated: Counter[str] = Counter()  #: see `Observer`, of all connections
        self._ends = ends
        self._records = records
        self._told = told
        self._numbers = itertools.count(1)
        self._watched = 0
        self._room = Room()
        self._allowance = for_a_run()

    async def serve(self, host: str, port: int, ready: Callable[[int], None]) -> None:
        """Listen; `ready` hears the port. Raises `OSError` when nobody can listen there."""
        context = self._ends.towards_clients if self._ends.client_tls else None
        listener = await asyncio.start_server(self._accept, host, port, ssl=context, limit=_AHEAD)
        async with listener:
            ready(listener.sockets[0].getsockname()[1])
            await listener.serve_forever()

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):  # the end of the watch; asyncio would print it
            await self._accepted(reader, writer)

    async def _accepted(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self._watched < _AT_A_TIME and len(self.cases) < _ALTOGETHER:
            self._watched += 1
            try:
                await self._connection(reader, writer)
            finally:
                self._watched -= 1
            return
        self._told("a connection goes through unwatched: there are too many")
        try:
            await _Relay(
                self._ends, Observer(grammar.load(), Play("", 1, Unrecorded()), blind=True), reader, writer
            ).run()
        finally:
            writer.close()

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        number = next(self._numbers)
        case = f"watch/connection-{number}"
        peer = writer.get_extra_info("peername")
        title = f"Connection {number}, of a client at {peer[0]}" if peer else f"Connection {number}"
        self._records.write(journal.Case(case, title, "", "", ()))
        self.cases.append(case)
        play = Play(case, 1, self._records, self._allowance)
        observer = Observer(grammar.load(), play, self._room)
        try:
            await _Relay(self._ends, observer, reader, writer).run()
        finally:
            writer.close()
            observer.closed()
            self.greeting = self.greeting or observer.greeting
            self.unvalidated.update(observer.unvalidated)
            asked = dict(sorted(observer.session.asked.items()))
            self._records.write(journal.Tally(case, 1, round(play.elapsed, 4), asked))
            found = play.violations.total()
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
                    limit=_AHEAD,
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
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await up

    async def _upwards(self, back: StreamWriter) -> None:
        """What the client sends, until it closes the connection; then the server's side is closed too.

        A client that has closed its half only hears what the server still says, if that comes soon.
        """
        with contextlib.suppress(OSError):
            while octets := await _read(self._reader):
                self._observer.client(octets)
                back.write(octets)
                await back.drain()
        self._observer.left()
        if back.can_write_eof() and not back.is_closing():
            with contextlib.suppress(OSError):
                back.write_eof()
                asyncio.get_running_loop().call_later(self._ends.timeout, back.close)
                return
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
    await asyncio.sleep(0)  # what is there already is read without a pause, and nobody else would have a turn
    return await reader.read(_CHUNK)
