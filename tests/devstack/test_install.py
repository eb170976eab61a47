import importlib.util
import json
from pathlib import Path

import pytest

import dev
from config.devstack import locks


def test_a_python_that_cannot_make_environments_is_told_the_remedy(monkeypatch, capsys):
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else real(name))

    with pytest.raises(SystemExit) as stopped:
        dev.install_with_pip(("base",), anew=True)

    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert "sudo apt-get install python3." in said
    assert "-venv" in said
    assert "uv" in said


def test_an_unknown_command_prints_the_help(capsys):
    assert dev.main(["nonsense"]) == 2
    assert "demo" in capsys.readouterr().out


def test_the_locks_answer_what_is_asked_for():
    assert locks.out_of_step() == []


def test_a_lock_that_lags_behind_or_names_a_host_is_noticed(tmp_path: Path):
    (tmp_path / "base.in").write_text("django\n")
    (tmp_path / "base.lock").write_text("django==5.2 \\\n    --hash=sha256:00\n")
    locks.stamp(tmp_path)
    assert locks.out_of_step(tmp_path) == []

    (tmp_path / "base.in").write_text("django\ncelery\n")
    (tmp_path / "base.lock").write_text("--index-url https://example.org/\ndjango==5.2\n")

    faults = "\n".join(locks.out_of_step(tmp_path))
    assert "base.in changed" in faults
    assert "names a host" in faults
    assert "django==5.2 is not pinned" in faults
    assert json.loads((tmp_path / locks.STAMP).read_text())


@pytest.mark.parametrize(
    "picked", (["tests/core"], ["-k", "outbox"], ["-m", "live"], ["-n", "0"], ["--update-query-counts"])
)
def test_what_was_picked_by_hand_runs_in_one_process(picked: list[str]):
    assert dev.spread(picked) == []


def test_the_whole_suite_runs_on_several_cores():
    assert dev.spread([])[0] == dev.spread(["-q", "--durations=5"])[0] == "-n"
