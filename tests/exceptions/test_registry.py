"""The registry of reasons: whole, worded, and the page of it in the docs true."""

from __future__ import annotations

from pathlib import Path

from exceptions import reasons
from exceptions.management.commands import list_actions, list_reasons

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_reasons_is_the_registry():
    mine = "\n".join(line for line in list_reasons.table().splitlines() if "`tests." not in line)

    kept = (ROOT / "docs" / "reasons.md").read_text().rstrip("\n")

    assert kept == mine.rstrip("\n"), "run: python3 dev.py manage list_reasons > docs/reasons.md"


def test_the_page_of_actions_is_the_registry(monkeypatch):
    registered = {code: reason for code, reason in reasons._reasons.items() if not code.startswith("tests.")}
    kept = (ROOT / "docs" / "actions.md").read_text()

    with monkeypatch.context() as without:
        without.setattr(reasons, "_reasons", registered)
        mine = list_actions.table()

    assert kept == mine, "run: python3 dev.py manage list_actions > docs/actions.md"


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


def test_every_action_that_runs_can_be_taken_back_or_says_why_not():
    for reason in reasons.every():
        for action in reason.actions:
            if action.run is None or reason.code.startswith("tests."):
                continue
            assert bool(action.undo) != bool(action.lasting), f"{reason.code}/{action.code}"
            assert action.amount is None or action.stake, f"{reason.code}/{action.code}"
