"""A folder that is watched: whatever file of orders is put into it is read by the mapping the connection has by now.

ORDER_FILES names a folder of the workers'; a connection's setting `folder` one inside it. A file that has lain still is
taken (by moving it, so that of two workers only one does), read, and moved to done/; one that can't be read goes to
refused/ with the reason beside it in a file of its name and .txt. Before a person has said once which column is what,
files are kept as drops that wait, and lie in waiting/. What a worker took and never finished is put back.
"""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path

from django.conf import settings

from core.errors import Refusal
from integrations.files.orders import NAME, drops
from integrations.models import Connection, DropStatus, FileDrop, FileMapping

STILL_SECONDS, GIVEN_UP_SECONDS = 20.0, 600.0
AT_ONCE = 20
_FOLDER = re.compile(r"[A-Za-z0-9_-]{1,60}")
TAKEN = ".taken"


def look() -> int:
    """Read what lies in every watched folder; how many files. Safe to repeat and to race."""
    if not settings.ORDER_FILES:
        return 0
    watching = Connection.objects.filter(vendor=NAME, status=Connection.Status.ACTIVE, settings__has_key="folder")
    return sum(_look(connection) for connection in watching.order_by("code"))


def _look(connection: Connection) -> int:
    name = str(connection.settings["folder"])
    folder = Path(settings.ORDER_FILES) / name
    if not _FOLDER.fullmatch(name) or folder.is_symlink() or not folder.is_dir():
        return 0
    _put_back(folder)
    read = 0
    for file in sorted(folder.iterdir())[: AT_ONCE * 5]:
        if read < AT_ONCE and _is_ready(file) and (taken := _take(folder, file)):
            _read(connection, folder, taken, file.name)
            read += 1
    return read


def _put_back(folder: Path) -> None:
    for file in (folder / TAKEN).glob("*"):
        if time.time() - file.stat().st_ctime > GIVEN_UP_SECONDS:  # moving it is what changed it last
            file.rename(_free(folder, file.name))


def _is_ready(file: Path) -> bool:
    if file.name.startswith(".") or file.is_symlink() or not file.is_file():
        return False
    return time.time() - file.stat().st_mtime > STILL_SECONDS


def _take(folder: Path, file: Path) -> Path | None:
    """The file where nobody else takes it."""
    try:
        return file.rename(_free(folder / TAKEN, file.name))
    except FileNotFoundError:
        return None


def _read(connection: Connection, folder: Path, taken: Path, name: str) -> None:
    try:
        content = taken.read_bytes()
        where = _drop(connection, name, content)
    except Refusal as refusal:
        where, words = "refused", refusal.message
        _free(folder / where, f"{name}.txt").write_text(f"{words}\n")
    taken.rename(_free(folder / where, name))


def _drop(connection: Connection, name: str, content: bytes) -> str:
    """Where the file belongs once it is a drop. The same bytes are one drop, however often they are put there."""
    digest = hashlib.sha256(content).hexdigest()
    known = FileDrop.objects.filter(connection=connection, sha256=digest).exclude(status=DropStatus.DISCARDED).first()
    made = known or drops.keep(connection, name, content, label=f"{connection.name}: watched folder")
    if made.status != DropStatus.UPLOADED:
        return "done"
    if not FileMapping.objects.filter(connection=connection).exists():
        return "waiting"
    drops.confirm(made.pk, actor=connection.actor)
    return "done"


def _free(folder: Path, name: str) -> Path:
    """A place for the file that no earlier one of its name has."""
    folder.mkdir(exist_ok=True)
    path, n = folder / name, 1
    while path.exists():
        n += 1
        path = folder / f"{n}-{name}"
    return path
