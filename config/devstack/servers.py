"""One PostgreSQL and one Valkey on unix sockets, each able to come up after any kind of death."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from urllib.parse import quote

from . import processes, providers
from .places import Places, StackError, hand_over

NAME = "backroom"
START_PATIENCE = 60
# Durability is never traded away: what the demo shows and the tests prove must be what production does.
POSTGRES_OPTIONS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %d ",
}


class Postgres:
    name = "postgres"

    def __init__(self, where: Places) -> None:
        self.where = where
        self.programs = providers.postgres(where.home)
        self.major = providers.major(self.programs)
        self.data = where.home / f"postgres-{self.major}"
        self.log = where.home / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None

    def env(self) -> dict[str, str]:
        folder = str(self.where.sockets)
        return {
            "DATABASE_URL": f"postgresql://{NAME}@/{NAME}?host={quote(folder, safe='')}",
            "PGHOST": folder,
            "PGUSER": NAME,
        }

    def start(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._create()
        self._clear_the_way()
        options = [part for name, value in POSTGRES_OPTIONS.items() for part in ("-c", f"{name}={value}")]
        end = time.monotonic() + START_PATIENCE
        for _attempt in range(20):
            with self.log.open("ab") as log:
                self.process = processes.start(
                    [str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.where.sockets), *options],
                    log=log,
                    env=_bare_environment(),
                    cwd=self.where.sockets,
                    identity=self.where.identity,
                    last_words=signal.SIGINT,
                )
            while self.process.poll() is None and time.monotonic() < end:
                if self._ready():
                    return
                time.sleep(0.03)
            # Backends of a killed postmaster may hold its shared memory for a moment: try again.
            if time.monotonic() > end:
                break
            time.sleep(0.5)
        raise StackError(f"PostgreSQL did not start:\n{processes.tail(self.log)}")

    def stop(self) -> None:
        _end(self.process, (signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 5))

    def _ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return self.process is not None and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"
        return False

    def _create(self) -> None:
        """A cluster, a role that is no superuser, and its database; half-made ones are thrown away."""
        making = self.data.with_name(f"{self.data.name}.making")
        shutil.rmtree(making, ignore_errors=True)
        hand_over(making, self.where.identity)
        # The same text rules everywhere: code-point order, Unicode-aware upper and lower case.
        rules = (
            [["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]]
            if self.major >= 17
            else [["--locale=C.UTF-8"], ["--locale=C"]]
        )
        for rule in rules:
            made = self._run(
                "initdb", "-D", str(making), "-U", "postgres", "-E", "UTF8", "-A", "trust", "--no-instructions", *rule
            )
            if made.returncode == 0:
                break
        else:
            hint = "PostgreSQL needs a user the system knows by name: run as one, or set DATABASE_URL.\n"
            unknown = "could not look up effective user ID" in made.stderr
            raise StackError(f"{hint if unknown else ''}initdb failed:\n{made.stdout}{made.stderr}")
        sql = f"CREATE ROLE {NAME} LOGIN CREATEDB;\nCREATE DATABASE {NAME} OWNER {NAME};\n"
        done = self._run("postgres", "--single", "-D", str(making), "postgres", input=sql)
        if done.returncode != 0 or "ERROR" in done.stderr:
            raise StackError(f"The new database could not be set up:\n{done.stdout}{done.stderr}")
        making.rename(self.data)

    def _run(self, program: str, *arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
        return processes.run_as(
            self.where.identity,
            [str(self.programs / program), *arguments],
            env=_bare_environment(),
            cwd=self.where.sockets,
            **options,
        )

    def _clear_the_way(self) -> None:
        """Stop a server an earlier guardian lost; drop a pid file whose number now belongs to something else."""
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        if not processes.alive(pid):
            return
        if str(self.data) not in processes.command_line(pid):
            file.unlink(missing_ok=True)
            return
        for number, patience in ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 5)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            end = time.monotonic() + patience
            while processes.alive(pid) and time.monotonic() < end:
                time.sleep(0.05)


class Valkey:
    name = "valkey"

    def __init__(self, where: Places) -> None:
        self.where = where
        self.program = providers.valkey(where.home)
        self.socket = where.sockets / "valkey"
        self.log = where.home / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None

    def env(self) -> dict[str, str]:
        return {"REDIS_URL": f"unix://{self.socket}?db=0"}

    def start(self) -> None:
        self._clear_the_way()
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "databases": "64",
            # Nothing in it is a record: PostgreSQL has everything.
            "save": "",
            "appendonly": "no",
            "dir": str(self.where.sockets),
        }
        with self.log.open("ab") as log:
            self.process = processes.start(
                [str(self.program), *(part for name, value in options.items() for part in (f"--{name}", value))],
                log=log,
                env=_bare_environment(),
                cwd=self.where.sockets,
                identity=self.where.identity,
                last_words=signal.SIGTERM,
            )
        end = time.monotonic() + START_PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            if self._ping() is not None:
                return
            time.sleep(0.03)
        raise StackError(f"Valkey did not start:\n{processes.tail(self.log)}")

    def stop(self) -> None:
        _end(self.process, (signal.SIGTERM, 10), (signal.SIGKILL, 5))

    def _ping(self) -> bytes | None:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1)
            line.connect(str(self.socket))
            line.sendall(b"PING\r\n")
            return line.recv(64)
        return None

    def _clear_the_way(self) -> None:
        """A server an earlier guardian lost still answers: end it."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2)
            line.connect(str(self.socket))
            line.sendall(b"SHUTDOWN NOSAVE\r\n")
            line.recv(64)
        self.socket.unlink(missing_ok=True)


def _bare_environment() -> dict[str, str]:
    """Nothing of ours leaks into the servers; PG* variables in particular would redirect them."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _end(process: subprocess.Popen[bytes] | None, *ways: tuple[int, float]) -> None:
    for number, patience in ways:
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)


Server = Postgres | Valkey
