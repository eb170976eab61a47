"""The process that owns a checkout's servers for as long as anybody holds a lease."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from types import FrameType

from . import processes, servers
from .places import Places, StackError, places

LINGER = 2.0  # seconds servers stay up after the last lease, so that one command after another finds them running
LOOK = 0.5
PATIENCE = 5.0  # with what a dead client left running; work it had under way is safe to repeat


@dataclass
class Client:
    line: socket.socket
    groups: set[int] = field(default_factory=set)
    heard: bytes = b""


class Guardian:
    def __init__(self, where: Places) -> None:
        self.where = where
        self.servers: list[servers.Server] = []
        self.clients: dict[int, Client] = {}
        self.waiting = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX)
        self.idle_since = time.monotonic()
        self.restarts = 0
        self.told_to_stop = False

    def run(self) -> None:
        signal.signal(signal.SIGTERM, self._stop_soon)
        signal.signal(signal.SIGINT, self._stop_soon)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            # Both servers, whatever our first client's environment names: the next client may name nothing.
            self.servers = [servers.Postgres(self.where), servers.Valkey(self.where)]
            for server in self.servers:
                server.start()
            self.where.guard.unlink(missing_ok=True)
            self.listener.bind(str(self.where.guard))
            self.listener.listen(64)
            self.listener.setblocking(False)
            self.waiting.register(self.listener, selectors.EVENT_READ)
        except StackError as error:
            self._close()
            print(json.dumps({"error": str(error)}), flush=True)
            return
        print(json.dumps({"ready": True}), flush=True)
        os.dup2(2, 1)  # whoever started us reads this end no further
        try:
            self._watch()
        finally:
            self._close()

    def _watch(self) -> None:
        while not self.told_to_stop:
            for key, _ in self.waiting.select(LOOK):
                if key.fileobj is self.listener:
                    self._welcome()
                else:
                    self._listen(self.clients[key.fd])
            for server in self.servers:
                if server.process is not None and server.process.poll() is not None:
                    self._revive(server)
            if not self.clients and time.monotonic() - self.idle_since > LINGER and self._may_leave():
                return

    def _welcome(self) -> None:
        line, _ = self.listener.accept()
        line.setblocking(False)
        self.clients[line.fileno()] = Client(line)
        self.waiting.register(line, selectors.EVENT_READ)
        env = {name: value for server in self.servers for name, value in server.env().items()}
        self._say(line, {"env": env, "guardian": os.getpid()})

    def _listen(self, client: Client) -> None:
        try:
            heard = client.line.recv(65536)
        except ConnectionError:
            heard = b""
        if not heard:
            self._farewell(client)
            return
        client.heard += heard
        while b"\n" in client.heard:
            text, client.heard = client.heard.split(b"\n", 1)
            asked = json.loads(text)
            client.groups = set(asked.get("groups", client.groups))
            if asked.get("leaving"):
                alone = len(self.clients) == 1
                self._say(client.line, {"stopping": alone})
                if alone:
                    self.idle_since = -LINGER * 10

    def _farewell(self, client: Client) -> None:
        """A lease ended. What its holder left running is ended too."""
        self.waiting.unregister(client.line)
        del self.clients[client.line.fileno()]
        client.line.close()
        if client.groups:
            processes.stop_groups(client.groups, PATIENCE)
        if not self.clients and self.idle_since > 0:
            self.idle_since = time.monotonic()

    def _revive(self, server: servers.Server) -> None:
        self.restarts += 1
        print(f"{server.name} ended unexpectedly; starting it again ({self.restarts})", file=sys.stderr, flush=True)
        if self.restarts > 20:
            raise StackError(f"{server.name} keeps ending.")
        server.start()

    def _may_leave(self) -> bool:
        """Only while nobody is about to connect: a starter holds this lock until it has its lease."""
        self.lock = self.where.lock.open("a")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.close()
            return False
        with contextlib.suppress(BlockingIOError):
            self._welcome()
            fcntl.flock(self.lock, fcntl.LOCK_UN)
            return False
        return True

    def _close(self) -> None:
        self.listener.close()
        self.where.guard.unlink(missing_ok=True)
        for client in list(self.clients.values()):
            if client.groups:
                processes.stop_groups(client.groups, PATIENCE)
            client.line.close()
        for server in reversed(self.servers):
            server.stop()

    def _stop_soon(self, _signal: int, _frame: FrameType | None) -> None:
        self.told_to_stop = True

    @staticmethod
    def _say(line: socket.socket, words: dict[str, object]) -> None:
        with contextlib.suppress(OSError):
            line.sendall(json.dumps(words).encode() + b"\n")


def main() -> None:
    os.chdir("/")
    Guardian(places()).run()
