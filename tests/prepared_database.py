"""The tables are made once: every worker's and every later run's test database is a copy of that one.

The copy is named after the migrations and what they run on, so a change of either makes a new one.
"""

from __future__ import annotations

import fcntl
import hashlib
from pathlib import Path

from django.core.management import call_command
from django.db import connections

ROOT = Path(__file__).resolve().parent.parent
STEM = f"test_tables_{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}_"  # another checkout may use the same server


def use() -> None:
    """Have the coming test database copied from one that has its tables; make that one where there is none yet."""
    connection = connections["default"]
    name, half = STEM + _digest(), STEM + "half"
    folder = ROOT / "var"
    folder.mkdir(exist_ok=True)
    with (folder / "test-tables.lock").open("a") as turn, connection._nodb_cursor() as cursor:
        fcntl.flock(turn, fcntl.LOCK_EX)
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [STEM])
        known = {row[0] for row in cursor.fetchall()}
        if name not in known:
            for old in known:
                cursor.execute(f'DROP DATABASE "{old}"')
            cursor.execute(f'CREATE DATABASE "{half}"')
            _migrate(half)
            # Named last: a run that is stopped half way leaves nothing that looks finished.
            cursor.execute(f'ALTER DATABASE "{half}" RENAME TO "{name}"')
    connection.settings_dict["TEST"]["TEMPLATE"] = name


def _digest() -> str:
    files = [*sorted(ROOT.glob("*/migrations/*.py")), ROOT / "config" / "roles.py", ROOT / "requirements" / "base.lock"]
    return hashlib.sha256(b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:16]


def _migrate(database: str) -> None:
    connection = connections["default"]
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        call_command("migrate", verbosity=0, quick=True)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own
