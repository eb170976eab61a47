"""Where one checkout keeps its servers' programs, data and sockets."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SOCKET = 100  # the kernel allows 107 bytes


class StackError(Exception):
    """The servers can't be had; the message says what to do about it."""


@dataclass(frozen=True)
class Identity:
    """The unprivileged user servers run as when we are root (PostgreSQL refuses to run as root)."""

    uid: int
    gid: int


def unprivileged() -> Identity | None:
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise StackError("PostgreSQL can't run as root and there is no user 'nobody': run as another user.") from None
    return Identity(nobody.pw_uid, nobody.pw_gid)


@dataclass(frozen=True)
class Places:
    """`home` holds programs, data and logs; `sockets` is short enough for a socket's name."""

    home: Path
    sockets: Path
    identity: Identity | None

    @property
    def lock(self) -> Path:
        return self.home / "start.lock"

    @property
    def guard(self) -> Path:
        return self.sockets / "guardian"

    @property
    def log(self) -> Path:
        return self.home / "guardian.log"


def places(root: Path = ROOT) -> Places:
    """This checkout's places, made if missing.

    An ordinary user keeps data inside the checkout and sockets in a private folder of the temporary directory. Root's
    servers run as another user who may not reach the checkout, so all of it lives in a folder of its own outside.
    """
    identity = unprivileged()
    key = hashlib.sha256(f"{os.geteuid()}:{root}".encode()).hexdigest()[:12]
    if identity is None:
        home = root / "var" / "stack"
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        sockets = _private(_writable("/tmp", tempfile.gettempdir(), "/var/tmp") / f"backroom-{key}", 0o700)  # noqa: S108
    else:
        home = _private(_writable("/var/lib", "/var/tmp", tempfile.gettempdir()) / f"backroom-dev-{key}", 0o711)  # noqa: S108
        sockets = hand_over(home / "run", identity)
    if len(str(sockets)) > LONGEST_SOCKET - len("/.s.PGSQL.5432.lock"):
        raise StackError(f"The folder for sockets has too long a name: {sockets}. Set TMPDIR to a shorter one.")
    return Places(home, sockets, identity)


def hand_over(folder: Path, identity: Identity | None) -> Path:
    """A folder only the servers' user can enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if identity is not None and folder.stat().st_uid != identity.uid:
        os.chown(folder, identity.uid, identity.gid)
    return folder


def _writable(*candidates: str) -> Path:
    for candidate in candidates:
        if os.access(candidate, os.W_OK | os.X_OK):
            return Path(candidate)
    raise StackError(f"None of {', '.join(candidates)} can be written to.")


def _private(folder: Path, mode: int) -> Path:
    """Our own folder in a place others can write to; one that somebody else put there is refused."""
    folder.mkdir(mode=mode, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to somebody else: remove it and try again.")
    if stat.S_IMODE(seen.st_mode) != mode:
        folder.chmod(mode)
    return folder
