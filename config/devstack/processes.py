"""Starting processes that can't outlive us, and stopping them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from .places import Identity

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def start(
    command: Sequence[str],
    *,
    log: Any,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    identity: Identity | None = None,
    last_words: int = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """A child in a session of its own (a terminal's Ctrl-C is ours to pass on), as `identity` if one is given.

    On Linux the kernel sends it `last_words` should we die without saying goodbye.
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_before_exec(identity, last_words),  # noqa: PLW1509  (no threads run here)
    )


def start_speaking(command: Sequence[str], *, errors: Any, env: dict[str, str], cwd: Path) -> subprocess.Popen[str]:
    """A child like `start`'s whose words can be read as they come."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env=env,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_before_exec(None, signal.SIGTERM),  # noqa: PLW1509  (no threads run here)
    )


def _before_exec(identity: Identity | None, last_words: int) -> Callable[[], None]:
    parent = os.getpid()

    def prepare() -> None:
        if identity is not None:
            os.setgroups([])
            os.setgid(identity.gid)
            os.setuid(identity.uid)
        # After setuid, which clears it.
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, last_words, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def run_as(identity: Identity | None, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run to the end as `identity`, capturing what it says."""
    return subprocess.run(
        command,
        check=False,
        text=True,
        capture_output=True,
        preexec_fn=_before_exec(identity, signal.SIGKILL),
        **options,
    )


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return False
    return state == "Z"


def command_line(pid: int) -> str:
    """What a process was started with, or nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return found.stdout


def stop_groups(groups: Iterable[int], patience: float = 10) -> None:
    """Ask whole process groups to end, then insist."""
    left = set(groups)
    for number, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 2)):
        for group in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        end = time.monotonic() + wait
        while left and time.monotonic() < end:
            left = {group for group in left if _group_alive(group)}
            time.sleep(0.05)
        if not left:
            return


def _group_alive(group: int) -> bool:
    with contextlib.suppress(ChildProcessError, OSError):
        os.waitpid(-group, os.WNOHANG)
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def tail(path: Path, lines: int = 25) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
