"""Small servers for tests, wrong on purpose: one function per connection, in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    Behaviour = Callable[[socket.socket], None]


@contextlib.contextmanager
def peer(behave: Behaviour, host: str = "127.0.0.1") -> Iterator[int]:
    """Listen on a free port and let `behave` handle each connection; the port. The connection is closed after it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server((host, 0), family=family))
        threads: list[threading.Thread] = []
        connections: list[socket.socket] = []

        def handle(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):  # the client may leave at any time
                behave(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connections.append(connection)
                    threads.append(threading.Thread(target=handle, args=(connection,)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            acceptor.join(10)
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(10)
                assert not thread.is_alive()


def says(*chunks: bytes) -> Behaviour:
    """Send, then read until the client leaves."""

    def behave(connection: socket.socket) -> None:
        for chunk in chunks:
            connection.sendall(chunk)
        until_left(connection)

    return behave


def closes_after(*chunks: bytes) -> Behaviour:
    """Send, then close in order."""

    def behave(connection: socket.socket) -> None:
        for chunk in chunks:
            connection.sendall(chunk)

    return behave


def until_left(connection: socket.socket) -> None:
    """Read until the client leaves."""
    while connection.recv(65536):
        pass


def read_line(connection: socket.socket) -> bytes:
    """Octets until a line end."""
    line = b""
    while not line.endswith(b"\n"):
        octet = connection.recv(1)
        if not octet:
            raise ConnectionError("the client left")
        line += octet
    return line


def read_and_reset(connection: socket.socket) -> None:
    """Read something, so that the client is surely connected, then close by a reset."""
    connection.recv(1)
    reset(connection)


def reset(connection: socket.socket) -> None:
    """Close by a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def inside_tls(
    context: ssl.SSLContext, behave: Callable[[ssl.SSLSocket], None], before: bytes = b""
) -> Behaviour:
    """Send `before` in clear, shake hands as the server, then behave; TLS is closed in order at the end."""

    def outer(connection: socket.socket) -> None:
        if before:
            connection.sendall(before)
        with context.wrap_socket(connection, server_side=True) as encrypted:
            behave(encrypted)
            with contextlib.suppress(ValueError):  # `behave` has left TLS already
                encrypted.unwrap()

    return outer
