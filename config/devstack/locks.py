"""Whether requirements/*.lock still answer requirements/*.in, told without any network."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from .places import ROOT

FOLDER = ROOT / "requirements"
STAMP = "locked.json"


def stamp(folder: Path = FOLDER) -> None:
    """Remember what was resolved into what."""
    (folder / STAMP).write_text(json.dumps(_digests(folder), indent=2, sort_keys=True) + "\n")


def out_of_step(folder: Path = FOLDER) -> list[str]:
    """What changed since `dev.py lock`, and what in a lock should not be there."""
    try:
        remembered = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        remembered = {}
    now = _digests(folder)
    faults = [f"{name} changed since it was locked" for name in sorted(now) if remembered.get(name) != now[name]]
    faults += [f"{name} is gone" for name in sorted(remembered.keys() - now.keys())]
    for lock in sorted(folder.glob("*.lock")):
        text = lock.read_text()
        if "://" in text:
            faults.append(f"{lock.name} names a host")
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        faults += [f"{lock.name}: {line} is not pinned with a hash" for line in pinned if not line.endswith("\\")]
    return faults


def _digests(folder: Path) -> dict[str, str]:
    files = sorted([*folder.glob("*.in"), *folder.glob("*.lock")])
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
