"""The registry of reasons: whole, worded, and the page of it in the docs true."""

from __future__ import annotations

from pathlib import Path

from exceptions import reasons
from exceptions.management.commands.list_reasons import table

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_reasons_is_the_registry():
    mine = "\n".join(line for line in table().splitlines() if "`tests." not in line)

    kept = (ROOT / "docs" / "reasons.md").read_text().rstrip("\n")

    assert kept == mine.rstrip("\n"), "run: python3 dev.py manage list_reasons > docs/reasons.md"


def test_every_reason_proves_itself_or_says_who_does():
    for reason in reasons.every():
        if reason.code.startswith("tests."):
            continue
        assert reason.description.endswith("."), reason.code
        assert reason.evidence is not None, reason.code
        assert reason.predicate is not None or reason.clears, reason.code
        assert reason.acknowledge_minutes <= reason.resolve_minutes, reason.code


def test_reasons_cover_every_part_of_the_house():
    known = {reason.queue for reason in reasons.every()}

    assert {"orders", "store", "warehouse", "stock", "payments", "finance", "integration", "returns"} <= known
