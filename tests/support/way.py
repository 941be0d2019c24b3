"""A way to PostgreSQL by a socket of the test's own, which can be opened late and broken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from generator.embedded import PORT, EmbeddedPostgres
from tests.support.given import GivenPostgres


class Way:
    """Passes on what is sent by a socket in `folder`; there is none before `open`."""

    def __init__(self, server: EmbeddedPostgres, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._listener = socket.socket(socket.AF_UNIX)
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def dsn(self, dsn: str) -> str:
        """`dsn` by this way."""
        url = make_url(dsn)
        query = {**url.query, "host": str(self._folder), "port": str(PORT)}
        by_socket = URL.create(url.drivername, url.username, url.password, database=url.database, query=query)
        return by_socket.render_as_string(hide_password=False)

    def open(self) -> None:
        """Take connections from now on."""
        path = self._folder / f".s.PGSQL.{PORT}"
        self._listener.bind(str(path))
        self._listener.listen()
        path.chmod(0o777)
        self._start(self._accept)

    def close(self) -> None:
        """End all connections."""
        for end in (self._listener, *self._ends):
            close(end)
        for thread in self._threads:
            thread.join()
        for end in (self._listener, *self._ends):
            end.close()

    def _start(self, work: Callable[..., None], *ends: socket.socket) -> None:
        thread = threading.Thread(target=work, args=ends)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = connected(self._server)
            self._ends += [client, server]
            self._start(self.pass_requests, client, server)
            self._start(self._pass_answers, server, client)

    def pass_requests(self, client: socket.socket, server: socket.socket) -> None:
        """What one client sends, until it ends."""
        while data := received(client):
            server.sendall(data)
        close(server, socket.SHUT_WR)

    def _pass_answers(self, server: socket.socket, client: socket.socket) -> None:
        """The last ones of a broken connection are read until PostgreSQL ends it, and dropped."""
        while data := received(server):
            try:
                client.sendall(data)
            except OSError:
                continue
        close(client)


def connected(server: EmbeddedPostgres) -> socket.socket:
    """A connection to a server."""
    if isinstance(server, GivenPostgres):
        return socket.create_connection((server.host, server.port))
    end = socket.socket(socket.AF_UNIX)
    end.connect(str(server.socket_dir / f".s.PGSQL.{PORT}"))
    return end


def received(end: socket.socket) -> bytes:
    """What came next; nothing where the connection has ended."""
    try:
        return end.recv(65536)
    except OSError:
        return b""


def close(end: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    """End a connection, which may have ended already."""
    with suppress(OSError):
        end.shutdown(how)
