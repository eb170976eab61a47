"""How many documents a second each vendor's translator understands, against bare `json` parsing of the same bytes.

The documents are the vendor's own fixtures; those that are no JSON (X12, files) have no ratio. Every round reads each
document once by both, in turns, so that whatever else the machine does meets both. Nothing touches the database.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from integrations.channels import registry
from integrations.failures import Unreadable

SECONDS = 20.0
ROUNDS = 5


def run(options: Any) -> dict[str, Any]:
    """`--seconds` in all; `--option vendor=NAME` measures one alone."""
    wanted = options["other"].get("vendor", "")
    vendors = {
        name: found for name in registry.known() if (not wanted or name == wanted) and (found := _fixtures(name))
    }
    if not vendors:
        raise SystemExit(f"No fixtures of {wanted or 'any vendor'} are here.")
    each = (options["seconds"] or SECONDS) / len(vendors)
    results = {name: _measure(name, documents, each) for name, documents in vendors.items()}
    with_ratio = sorted(found["ratio"] for found in results.values() if found["ratio"])
    rates = sorted(found["rate"] for found in results.values())
    return {
        "name": "translate",
        "rate": rates[len(rates) // 2],
        "raw_rate": None,
        "ratio": with_ratio[len(with_ratio) // 2] if with_ratio else None,
        "p50_ms": 1000 / rates[len(rates) // 2],
        "p95_ms": 1000 / rates[0],
        "vendors": results,
        "settings": {"seconds": each * len(vendors), "vendors": len(vendors)},
        "note": "documents a second; `ratio` is translating to bare json.loads of the same bytes, the middle vendor's",
    }


def _fixtures(name: str) -> list[tuple[str, bytes]]:
    """(topic, bytes) of every fixture the vendor understands by itself, one by one."""
    vendor = registry.get(name)
    found = []
    folders = [path for path in Path(settings.BASE_DIR, "integrations").glob(f"*/{name}/fixtures") if path.is_dir()]
    for file in sorted(file for folder in folders for file in folder.rglob("*") if file.is_file()):
        body, topic = file.read_bytes(), _topic(name, file.stem)
        try:
            vendor.understand(topic, body)
        except (Unreadable, AssertionError, KeyError):
            continue  # it needs the settings of a connection, or is a failure on purpose
        found.append((topic, body))
    return found


def _topic(vendor: str, stem: str) -> str:
    """Shopify's files are called after their topics; the others' documents say themselves what they are."""
    return "/".join(stem.rsplit("_", 1)) if vendor == "shopify" else ""


def _measure(name: str, documents: list[tuple[str, bytes]], seconds: float) -> dict[str, Any]:
    understand = registry.get(name).understand
    ours = theirs = 0.0
    counted = raw = 0
    is_json = all(_parses(body) for _, body in documents)
    until = time.perf_counter() + seconds
    while counted < ROUNDS * len(documents) or time.perf_counter() < until:
        ours += _time(lambda: [understand(topic, body) for topic, body in documents])
        counted += len(documents)
        if is_json:
            theirs += _time(lambda: [json.loads(body) for _, body in documents])
            raw += len(documents)
    rate, raw_rate = counted / ours, raw / theirs if raw else None
    return {
        "documents": len(documents),
        "bytes": sum(len(body) for _, body in documents) // len(documents),
        "rate": round(rate, 1),
        "raw_rate": round(raw_rate, 1) if raw_rate else None,
        "ratio": round(rate / raw_rate, 4) if raw_rate else None,
    }


def _parses(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _time(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
