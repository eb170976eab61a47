"""A real Tryton beside Backroom, for the live tests and `dev.py demo --with-tryton`; no part of Backroom itself.

Its programs live in an environment of their own (var/tryton), its databases on the embedded PostgreSQL. Making the
first one takes a minute and a half; that one is kept as a template and copied in a third of a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from . import processes
from .places import ROOT, StackError

HOME = ROOT / "var" / "tryton"
VENV = HOME / "venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements" / "tryton.lock"
SETUP = Path(__file__).with_name("tryton_setup.py")
MODULES = ("sale", "sale_stock_quantity", "account_invoice_stock")
START_PATIENCE = 60

# What the books are made of. The names and codes are what a connection's settings refer to.
WISHES: dict[str, Any] = {
    "company": "Backroom demonstration",
    "currencies": ["EUR", "USD", "GBP", "CAD", "AUD", "JPY"],
    "taxes": [
        {"name": "VAT 20%", "rate": "0.20"},
        {"name": "VAT 10%", "rate": "0.10"},
        {"name": "VAT 5%", "rate": "0.05"},
    ],
    "warehouses": [{"code": "MAIN", "name": "Main warehouse"}, {"code": "STORES", "name": "Stores"}],
    "services": [
        {"code": "SHIPPING", "name": "Shipping"},
        {"code": "TAX-COLLECTED", "name": "Tax collected by the channel"},
        {"code": "ROUNDING", "name": "Rounding"},
        {"code": "OTHER", "name": "Other charges"},
    ],
}

Say = Callable[[str], None]


class Unavailable(StackError):
    """Tryton can't be had on this machine; the message says why and what would help."""


def _quiet(_words: str) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Books:
    """What a set-up made: the ids and key a Backroom connection needs."""

    company: int
    customer: int
    taxes: dict[str, int]
    warehouses: dict[str, int]
    key: str


@dataclass
class Running:
    """One Tryton serving one database on loopback."""

    database: str
    port: int
    books: Books
    config: Path
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, *, workers: int = 2, threads: int = 4) -> None:
        """Serve (again, on the same port). Returns once it answers."""
        env = _environment() | {"TRYTOND_CONFIG": str(self.config), "TRYTOND_DATABASE_NAMES": self.database}
        command = [str(VENV / "bin" / "gunicorn"), "--worker-class", "gthread", "--workers", str(workers)]
        command += ["--threads", str(threads), "--bind", f"127.0.0.1:{self.port}", "--no-control-socket"]
        command += ["--graceful-timeout", "5", "trytond.application:app"]
        with self.log.open("ab") as log:
            self.process = processes.start(command, log=log, env=env, cwd=HOME)
        end = time.monotonic() + START_PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.1)
        self.kill()
        raise Unavailable(f"Tryton did not start:\n{processes.tail(self.log)}")

    def stop(self) -> None:
        if self.process is not None:
            processes.stop_groups([self.process.pid])
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        """As a power cut would end it."""
        if self.process is not None:
            processes.stop_groups([self.process.pid], patience=0)
            self.process.wait()
            self.process = None

    def add_products(self, products: Iterable[dict[str, str]], *, opening: int | None = None) -> int:
        """Goods by `sku`, `name`, `price` that Tryton doesn't have yet; returns how many it made.

        With `opening` units in every warehouse Tryton minds its stock; without, the goods are never scarce.
        """
        made = _setup(self.config, self.database, "stock", {"products": list(products), "opening": opening})
        return int(made["made"])

    def _answers(self) -> bool:
        request = urllib.request.Request(  # noqa: S310  (our own loopback address)
            f"{self.url}/{self.database}/rest/model/company.company?f=id",
            headers={"Authorization": f"bearer {self.books.key}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def prepare(server: str, say: Say = _quiet) -> str:
    """Make what is missing: the environment and the template database on `server` (a DATABASE_URL). Returns its name.

    Two at once take turns. Raises Unavailable.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "prepare.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        _install(say)
        name = _template_name()
        if _exists(server, name) and _books_file(name).exists():
            return name
        _make_template(server, name, say)
        return name


def copy(server: str, name: str, *, port: int | None = None, say: Say = _quiet) -> Running:
    """A database of its own (an older one of this name is dropped), not serving yet."""
    template = prepare(server, say)
    with _psql(server) as sql:
        sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    books = _read_books(template)
    _books_file(name).write_text(_books_file(template).read_text())
    return _running(server, name, books, port)


def reopen(server: str, name: str, *, port: int | None = None) -> Running | None:
    """A database made earlier and kept (the demo's), or None."""
    if not PYTHON.exists() or not _books_file(name).exists() or not _exists(server, name):
        return None
    return _running(server, name, _read_books(name), port)


def drop(server: str, name: str) -> None:
    with _psql(server) as sql:
        sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    for file in (_books_file(name), HOME / f"{name}.conf", HOME / f"{name}.log"):
        file.unlink(missing_ok=True)


# --- Environment ---------------------------------------------------------------------------------------------------


def _install(say: Say) -> None:
    stamp = VENV / "installed"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    say("Installing Tryton into var/tryton …")
    shutil.rmtree(VENV, ignore_errors=True)
    uv = shutil.which("uv")
    if uv:
        steps = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)],
            [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(PYTHON), str(LOCK)],
        ]
    else:
        if importlib.util.find_spec("ensurepip") is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise Unavailable(f"Tryton needs a virtual environment: sudo apt-get install python{version}-venv, or uv.")
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        steps = [[sys.executable, "-m", "venv", str(VENV)], [*pip, "--require-hashes", "-r", str(LOCK)]]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            words = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
            raise Unavailable(f"Tryton could not be installed ({Path(step[0]).name} failed):\n{words}")
    stamp.write_text(wanted)


def _environment() -> dict[str, str]:
    """Nothing of ours leaks in: not our settings, not our database, not our Python path."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C.UTF-8", "PYTHONNOUSERSITE": "1"}


# --- The template database -----------------------------------------------------------------------------------------


def _template_name() -> str:
    """Changes with anything the template is made from."""
    made_from = LOCK.read_bytes() + SETUP.read_bytes() + json.dumps([WISHES, MODULES]).encode()
    return f"backroom_tryton_{hashlib.sha256(made_from).hexdigest()[:10]}"


def _make_template(server: str, name: str, say: Say) -> None:
    say("Making a Tryton database with company, chart of accounts and taxes; this takes a minute or two, once …")
    draft = f"{name}_making"
    with _psql(server) as sql:
        old = [one for one in sql.names() if re.fullmatch(r"backroom_tryton_[0-9a-f]{10}(_making)?", one)]
        sql(*(f'DROP DATABASE "{one}" WITH (FORCE)' for one in old), f'CREATE DATABASE "{draft}"')
    config = _configure(server, draft)
    secret = HOME / "admin-password"
    secret.write_text(secrets.token_urlsafe(24))
    secret.chmod(0o600)
    admin = [str(VENV / "bin" / "trytond-admin"), "-c", str(config), "-d", draft]
    env = _environment() | {"TRYTONPASSFILE": str(secret)}
    _run([*admin, "--all", "--email", "admin@example.com"], env)
    _run([*admin, "-u", *MODULES, "--activate-dependencies"], env)
    key = secrets.token_hex(32)
    made = _setup(config, draft, "found", WISHES | {"key": key})
    _books_file(name).write_text(json.dumps(made | {"key": key}))
    _books_file(name).chmod(0o600)
    with _psql(server) as sql:
        sql(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    config.unlink()
    say(f"Made {name}.")


def _setup(config: Path, database: str, action: str, wishes: dict[str, Any]) -> dict[str, Any]:
    command = [str(PYTHON), str(SETUP), "--config", str(config), "--database", database, action]
    made: dict[str, Any] = json.loads(_run(command, _environment(), given=json.dumps(wishes)))
    return made


def _run(command: list[str], env: dict[str, str], given: str | None = None) -> str:
    done = subprocess.run(command, env=env, cwd=HOME, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        words = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise Unavailable(f"Tryton's {Path(command[0]).name} failed:\n{words}")
    return done.stdout


def _running(server: str, name: str, books: Books, port: int | None) -> Running:
    return Running(name, port or _free_port(), books, _configure(server, name), HOME / f"{name}.log")


def _books_file(name: str) -> Path:
    return HOME / f"{name}.json"


def _read_books(name: str) -> Books:
    return Books(**json.loads(_books_file(name).read_text()))


def _configure(server: str, name: str) -> Path:
    """Tryton's settings file. Requests end within a minute, so a lost answer is settled by then."""
    file = HOME / f"{name}.conf"
    lines = ("[database]", f"uri = {_uri(server)}", "[request]", "timeout = 60", "")
    file.write_text("\n".join(lines))
    file.chmod(0o600)
    return file


def _uri(server: str) -> str:
    """Our DATABASE_URL without its database, as Tryton spells it."""
    parts = urlsplit(server)
    options = dict(parse_qsl(parts.query))
    options.pop("pool", None)
    return f"postgresql://{parts.netloc}/?{urlencode(options, quote_via=quote)}"


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])


# --- SQL, through the driver in Tryton's own environment -----------------------------------------------------------

_SQL = """
import json, sys, psycopg
asked = json.load(sys.stdin)
with psycopg.connect(asked["to"], autocommit=True) as connection:
    for statement in asked["statements"]:
        connection.execute(statement)
    print(json.dumps([row[0] for row in connection.execute("SELECT datname FROM pg_database")]))
"""


class _Sql:
    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        # The server's own maintenance database: no other one of ours is held open while databases are copied.
        self.to = parts._replace(path="/postgres").geturl()
        self.user = unquote(parts.username or "")

    def __call__(self, *statements: str) -> list[str]:
        given = json.dumps({"to": self.to, "statements": statements})
        names: list[str] = json.loads(_run([str(PYTHON), "-c", _SQL], _environment(), given=given))
        return names

    def names(self) -> list[str]:
        return self()


@contextmanager
def _psql(server: str) -> Iterator[_Sql]:
    """Copying needs the template to itself: two who copy at once take turns."""
    with (HOME / "copy.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield _Sql(server)


def _exists(server: str, name: str) -> bool:
    with _psql(server) as sql:
        return name in sql.names()
