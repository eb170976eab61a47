"""The Tryton beside us: what it says when it can't be had, and where it looks for its databases."""

from __future__ import annotations

import pytest

from config.devstack import tryton


def test_a_tryton_that_cannot_be_installed_says_why(tmp_path, monkeypatch):
    lock = tmp_path / "tryton.lock"
    lock.write_text("no-such-thing==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    for name, value in (("HOME", tmp_path), ("VENV", tmp_path / "venv"), ("LOCK", lock)):
        monkeypatch.setattr(tryton, name, value)
    monkeypatch.setattr(tryton, "PYTHON", tmp_path / "venv" / "bin" / "python")
    for name in ("PIP_NO_INDEX", "UV_OFFLINE", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")

    with pytest.raises(tryton.Unavailable) as told:
        tryton.prepare("postgresql://backroom@localhost/backroom")

    assert "Tryton could not be installed" in str(told.value)
    assert "no-such-thing" in str(told.value)


@pytest.mark.parametrize(
    "ours, theirs",
    [
        ("postgresql://backroom@/backroom?host=%2Fvar%2Frun", "postgresql://backroom@/?host=%2Fvar%2Frun"),
        ("postgresql://me:pw@db:5433/shop?sslmode=require", "postgresql://me:pw@db:5433/?sslmode=require"),
    ],
    ids=["socket", "host"],
)
def test_its_databases_stand_beside_ours(ours, theirs):
    assert tryton._uri(ours) == theirs


def test_a_changed_set_up_makes_a_new_template(monkeypatch):
    before = tryton._template_name()
    monkeypatch.setattr(tryton, "WISHES", {**tryton.WISHES, "company": "Another"})

    assert tryton._template_name() != before
