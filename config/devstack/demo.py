"""`dev.py demo`: the whole portal on one machine, with invented data and a simulator that keeps it busy."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from . import leases, processes
from .places import ROOT, StackError

READY_PATIENCE = 300
MOST_RESTARTS = 5  # within RESTART_WINDOW seconds; then the demo gives up and says why
RESTART_WINDOW = 120
TEACH_AT_ONCE = 250


@dataclass
class Part:
    """One process of the portal."""

    name: str
    command: list[str]
    health: str = ""
    env: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    ended: list[float] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return leases.log_folder() / f"{self.name}.log"


class Demo:
    def __init__(self, options: argparse.Namespace, python: Path) -> None:
        self.options = options
        self.python = python
        self.lease = leases.take()
        self.port = _free_port(options.port or 8000, exact=options.port is not None)
        self.live_port = _free_port(self.port + 1)
        self.parts: list[Part] = []
        self.busy: subprocess.Popen[str] | None = None  # a command that is to end by itself
        self.erp: Any = None
        self.env = {
            **os.environ,
            **self.lease.env,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "BACKROOM_ENV": "development",
            "BACKROOM_DEMO": "1",
            "PYTHONUNBUFFERED": "1",
            "PUBLIC_URL": self.url,
            "LIVE_URL": f"http://localhost:{self.live_port}/live",
            "CSRF_TRUSTED_ORIGINS": f"{self.url},http://127.0.0.1:{self.port}",
        }

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def run(self) -> int:
        if self.options.fresh:
            self._start_afresh()
        self._manage("migrate", "--verbosity", "0", "--quick", says="Bringing the database up to date")
        self._start_shop()
        self._start_account("carrier", "easypost.py", "EASYPOST_KEY")
        self._start_account("places", "drop_offs.py", "PLACES_KEY")
        self._start_account("bank", "stripe.py", "STRIPE_KEY")
        self.accounts = self._seed()
        if self.options.with_tryton:
            self._start_erp()
        self._manage("demo_erp", says="Connecting the books")
        for part in self._all_parts():
            self._start(part)
        self._wait_until_ready()
        self._greet()
        return self._watch()

    def stop(self) -> None:
        processes.stop_groups(self._groups())
        if self.erp is not None:
            self.erp.stop()
        self.lease.give_up()

    # --- Before

    def _start_afresh(self) -> None:
        """Only ever the embedded database: one named by DATABASE_URL is somebody's."""
        if os.environ.get("DATABASE_URL"):
            raise StackError("--fresh empties the embedded database only; DATABASE_URL names another.")
        wipe = "from django.db import connection as c; c.cursor().execute('DROP OWNED BY CURRENT_USER')"
        self._manage("shell", "--no-imports", "-c", wipe, says="Throwing the old data away")

    def _seed(self) -> str:
        if not _has_command("seed_demo"):
            print("There is no `seed_demo` command yet: the portal starts empty.", flush=True)
            return ""
        scale = str(self.options.scale)
        return self._manage("seed_demo", "--scale", scale, says="Inventing a retailer", until="Sign in as")

    def _start_shop(self) -> None:
        """A local server in the place of Shopify: shipments are told to it, and it keeps them between two demos."""
        port, token = _free_port(self.live_port + 1), secrets.token_hex(16)
        state = ROOT / "var" / "demo-shop.sqlite3"
        state.parent.mkdir(exist_ok=True)
        if self.options.fresh:
            state.unlink(missing_ok=True)
        script = str(ROOT / "config" / "devstack" / "shopify.py")
        command = [str(self.python), script, "--port", str(port), "--state", str(state)]
        self._start(Part("shop", command, f"http://127.0.0.1:{port}/livez", {"SHOP_TOKEN": token}))
        self.env["BACKROOM_DEMO_SHOP"] = json.dumps({"url": f"http://127.0.0.1:{port}", "token": token})

    def _start_account(self, name: str, script: str, key_name: str) -> None:
        """A local server in the place of a carrier's or a bank's: what it knows it forgets at the end."""
        port, key = _free_port(self.live_port + 2 + len(self.parts)), secrets.token_hex(16)
        command = [str(self.python), str(ROOT / "config" / "devstack" / script), "--port", str(port)]
        self._start(Part(name, command, f"http://127.0.0.1:{port}/livez", {key_name: key}))
        self.env[f"BACKROOM_DEMO_{name.upper()}"] = json.dumps({"url": f"http://127.0.0.1:{port}", "key": key})

    def _start_erp(self) -> None:
        from . import tryton

        server = self.env["DATABASE_URL"]
        try:
            # New orders get numbers old sales already have, so a fresh demo needs fresh books.
            kept = None if self.options.fresh else tryton.reopen(server, "backroom_demo_erp")
            self.erp = kept or tryton.copy(server, "backroom_demo_erp", say=_say)
            goods = json.loads(self._manage("demo_erp", "--products", says="Teaching Tryton the range", until="["))
            for done in range(0, len(goods), TEACH_AT_ONCE):
                if self.erp.add_products(goods[done : done + TEACH_AT_ONCE]):
                    print(f"  {min(done + TEACH_AT_ONCE, len(goods))} of {len(goods)} items", flush=True)
            self.erp.start()
        except StackError as error:
            raise StackError(f"--with-tryton: {error}") from error
        books = self.erp.books
        self.env["BACKROOM_DEMO_ERP"] = json.dumps({"url": self.erp.url, "database": self.erp.database, **vars(books)})
        print(f"Tryton answers at {self.erp.url} (database {self.erp.database}).", flush=True)

    def _manage(self, *arguments: str, says: str, until: str = "") -> str:
        """Run a command, showing what it says line by line; from a line that starts with `until` on, it is returned."""
        print(f"{says} …", flush=True)
        log = leases.log_folder() / f"{arguments[0]}.log"
        command = [str(self.python), str(ROOT / "manage.py"), *arguments]
        kept: list[str] = []
        with log.open("wb") as errors:
            self.busy = processes.start_speaking(command, errors=errors, env=self.env, cwd=ROOT)
        self._claim()
        assert self.busy.stdout is not None  # noqa: S101
        for line in self.busy.stdout:
            if until and (kept or line.startswith(until)):
                kept.append(line)
            else:
                print(f"  {line}", end="", flush=True)
        self.busy.stdout.close()
        code, self.busy = self.busy.wait(), None
        if code:
            raise StackError(f"manage.py {arguments[0]} failed:\n{processes.tail(log, 60)}")
        return "".join(kept)

    # --- The processes

    def _all_parts(self) -> list[Part]:
        granian = [str(self.python.with_name("granian")), "--host", "127.0.0.1", "--no-ws", "--respawn-failed-workers"]
        celery = [str(self.python), "-m", "celery", "-A", "config"]
        quiet_beat = str(ROOT / "var" / "celerybeat-schedule")
        web = [*granian, "--interface", "wsgi", "--workers", "2", "--blocking-threads", "4", "--port", str(self.port)]
        # Streams have no end of their own: without the timeout a stop would wait for every open page.
        live = [*granian, "--interface", "asgi", "--workers", "1", "--port", str(self.live_port)]
        live += ["--workers-kill-timeout", "2"]
        parts = [
            Part(
                "web", [*web, "config.wsgi:application"], f"http://127.0.0.1:{self.port}/livez", {"DATABASE_POOL": "4"}
            ),
            Part("live", [*live, "config.asgi:application"], f"http://127.0.0.1:{self.live_port}/livez"),
            # Apart, so that a slow partner holds up nobody who waits for us.
            self._worker("default"),
            self._worker("outside", "outside,webhooks"),
            Part("beat", [*celery, "beat", "--schedule", quiet_beat, "--pidfile", "", "--loglevel", "INFO"]),
        ]
        if self.options.quiet:
            return parts
        if _has_command("simulate"):
            parts.append(Part("simulator", [str(self.python), str(ROOT / "manage.py"), "simulate", "--url", self.url]))
        else:
            print("There is no `simulate` command yet: nothing will happen by itself.", flush=True)
        return parts

    def _worker(self, name: str, queues: str = "") -> Part:
        command = [str(self.python), "-m", "celery", "-A", "config", "worker", "--queues", queues or name]
        command += ["--concurrency", "2", "--hostname", f"{name}@%h", "--loglevel", "INFO"]
        return Part(f"worker-{name}", command)

    def _start(self, part: Part) -> None:
        with part.log.open("ab" if part.ended else "wb") as log:
            part.process = processes.start(part.command, log=log, env={**self.env, **part.env}, cwd=ROOT)
        if part not in self.parts:
            self.parts.append(part)
        self._claim()

    def _claim(self) -> None:
        """Tell the guardian whom to end should we be killed."""
        self.lease.owns(self._groups())

    def _groups(self) -> list[int]:
        every = [*(part.process for part in self.parts), self.busy]
        return [process.pid for process in every if process is not None and process.poll() is None]

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_PATIENCE
        waiting = [part for part in self.parts if part.health]
        while waiting:
            for part in self.parts:
                if part.process is not None and part.process.poll() is not None:
                    raise StackError(f"The {part.name} process ended while starting:\n{processes.tail(part.log)}")
            if time.monotonic() > end:
                names = ", ".join(part.name for part in waiting)
                raise StackError(f"Not ready after {READY_PATIENCE} s: {names}\n{processes.tail(waiting[0].log)}")
            waiting = [part for part in waiting if not _answers(part.health)]
            time.sleep(0.1)

    def _greet(self) -> None:
        if self.accounts.strip():
            print(self.accounts.rstrip())
        print(f"\nBackroom is running at {self.url}/   (logs in var/log, Ctrl-C stops everything)\n", flush=True)

    def _watch(self) -> int:
        while True:
            time.sleep(0.5)
            for part in self.parts:
                if part.process is None or part.process.poll() is None:
                    continue
                now = time.monotonic()
                part.ended = [moment for moment in part.ended if now - moment < RESTART_WINDOW] + [now]
                print(f"{part.name} ended ({part.process.returncode}); the end of its log:", flush=True)
                print("\n".join(f"    {line}" for line in processes.tail(part.log).splitlines()), flush=True)
                if len(part.ended) > MOST_RESTARTS:
                    print(f"{part.name} keeps ending: giving up.", flush=True)
                    return 1
                self._start(part)
                print(f"{part.name} was started again.", flush=True)


def main(arguments: list[str], python: Path) -> int:
    options = argparse.ArgumentParser(prog="dev.py demo")
    options.add_argument("--port", type=int, help="for the portal; the live stream takes the next free one")
    options.add_argument("--scale", type=float, default=1.0, help="how much history to invent (1 is a small retailer)")
    options.add_argument("--with-tryton", action="store_true", help="start a Tryton ERP too and post to it")
    options.add_argument("--quiet", action="store_true", help="without the simulator")
    options.add_argument("--fresh", action="store_true", help="throw the demo's data away first")
    chosen = options.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    demo: Demo | None = None
    try:
        demo = Demo(chosen, python)
        return demo.run()
    except KeyboardInterrupt:
        print("\nStopping …", flush=True)
        return 0
    except StackError as error:
        print(error, flush=True)
        return 1
    finally:
        if demo is not None:
            with _undisturbed():
                demo.stop()
            print("Stopped.", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _undisturbed() -> Any:
    """A second Ctrl-C must not leave half of it running."""
    old = {n: signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _say(words: str) -> None:
    print(words, flush=True)


def _has_command(name: str) -> bool:
    return any(ROOT.glob(f"*/management/commands/{name}.py"))


def _free_port(wanted: int, *, exact: bool = False) -> int:
    for port in range(wanted, wanted + (1 if exact else 50)):
        with contextlib.suppress(OSError), socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            line.bind(("127.0.0.1", port))
            return port
    raise StackError(f"Port {wanted} is taken: choose another with --port.")


def _answers(url: str) -> bool:
    """Anything but silence or a server error."""
    ask: Callable[..., Any] = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    try:
        with ask(url, timeout=5) as answer:
            return int(answer.status) < 500
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
