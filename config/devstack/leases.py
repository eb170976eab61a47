"""Holding a checkout's servers: `take()` before they are needed; the lease ends with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import processes
from .places import ROOT, Places, StackError, places

PATIENCE = 120


@dataclass
class Lease:
    """`env` is what a process needs to find the servers."""

    env: dict[str, str]
    line: socket.socket | None = None
    guardian: int | None = None

    def survives_exec(self) -> None:
        """Let the program this process is about to become hold the lease."""
        if self.line is not None:
            self.line.set_inheritable(True)

    def owns(self, groups: list[int]) -> None:
        """Process groups to end should we die without ending them."""
        self._say({"groups": groups})

    def give_up(self) -> None:
        """End the lease; if it was the last one, wait until the servers are down."""
        if self.line is None:
            return
        with contextlib.suppress(OSError):
            self._say({"groups": [], "leaving": True})
            self.line.settimeout(5)
            alone = _hear(self.line).get("stopping")
            self.line.shutdown(socket.SHUT_WR)
            if alone and self.guardian:
                self.line.settimeout(45)
                while self.line.recv(1024):
                    pass
                _wait_gone(self.guardian)
        self.line.close()
        self.line = None

    def _say(self, words: dict[str, Any]) -> None:
        if self.line is not None:
            with contextlib.suppress(OSError):
                self.line.sendall(json.dumps(words).encode() + b"\n")


def take() -> Lease:
    """A lease on this checkout's servers, starting them if nobody has. What the environment names is left alone."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return Lease(env={})
    where = places()
    line = _connect(where)
    if line is None:
        with where.lock.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            line = _connect(where)
            if line is None:
                _start_guardian(where)
                line = _connect(where)
    if line is None:
        raise StackError(f"The servers started but can't be reached; see {where.log}.")
    said = _hear(line)
    env = {name: value for name, value in said["env"].items() if not os.environ.get(name)}
    if os.environ.get("DATABASE_URL"):
        env = {name: value for name, value in env.items() if not name.startswith("PG")}
    return Lease(env, line, said["guardian"])


def _connect(where: Places) -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX)
    try:
        line.connect(str(where.guard))
    except OSError:
        line.close()
        return None
    line.settimeout(PATIENCE)
    return line


def _hear(line: socket.socket) -> dict[str, Any]:
    heard = b""
    while not heard.endswith(b"\n"):
        part = line.recv(4096)
        if not part:
            raise StackError("The servers stopped while we were connecting; try again.")
        heard += part
    answer: dict[str, Any] = json.loads(heard)
    return answer


def _start_guardian(where: Places) -> None:
    env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    with where.log.open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, str(ROOT / "dev.py"), "_guardian"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            env=env,
        )
    assert started.stdout is not None  # noqa: S101
    said = started.stdout.readline()
    started.stdout.close()
    started.returncode = 0  # it outlives us by design: no warning about a child nobody waited for
    answer = json.loads(said) if said.strip() else {"error": processes.tail(where.log)}
    if "error" in answer:
        raise StackError(answer["error"])


def _wait_gone(pid: int, patience: float = 45) -> None:
    import time

    end = time.monotonic() + patience
    while processes.alive(pid) and time.monotonic() < end:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)


def log_folder() -> Path:
    folder = ROOT / "var" / "log"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
