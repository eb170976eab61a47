"""Several processes that take steps by chance in one test's database, at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection


def walk_at_once(script: str, *, processes: int, steps: int, timeout: float = 1800) -> int:
    """Run `script` in so many processes, each with its number and `steps` as arguments; returns the steps done.

    Each prints that figure first. Fails with what a process complained of where it ends in any other way than well.
    """
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/backroom?", f"/{connection.settings_dict['NAME']}?"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    walkers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(n), str(steps)], env=environment, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )
        for n in range(processes)
    ]  # fmt: skip
    said = [walker.communicate(timeout=timeout) for walker in walkers]
    assert [walker.returncode for walker in walkers] == [0] * processes, said
    return sum(int(told.split(" ", 1)[0]) for told, _ in said)
