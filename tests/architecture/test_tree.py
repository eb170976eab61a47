"""Rules about the project as files: what may import what, what may be in a template, what must not be anywhere."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = {"core", "exceptions", "inventory", "orders", "returns", "finance", "integrations"}
PLACES = {"config", "templates", "static", "tests", "docs", "requirements"}
SCREENS = sorted(path for path in (ROOT / "templates").rglob("*.html") if "django" not in path.parts)
MAIL = "email"  # messages have no stylesheet to link to


def tracked() -> list[Path]:
    """What git keeps (or, without git, everything that isn't made by us)."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for path in tracked():
        if "vendor" in path.parts or "fixtures" in path.parts or path.suffix in {".png", ".ico", ".webp"}:
            continue
        found.append((path, path.read_text(errors="replace")))
    return found


def test_each_floor_stands_only_on_the_floors_beneath_it():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_there_are_no_more_top_level_folders_than_decided():
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if len(path.relative_to(ROOT).parts) > 1}

    assert {name for name in folders if not name.startswith(".")} <= APPS | PLACES


def test_locks_name_no_host_and_pin_every_package_by_hash():
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        packages = re.split(r"\n(?=[a-z])", text.strip(), flags=re.IGNORECASE)
        assert all("--hash=sha256:" in package for package in packages), lock.name


def test_no_file_knows_the_machine_it_was_written_on():
    someones = re.compile(r"(?<![\w.~-])/(?:home|Users|root)/[\w.]+/|--(?:extra-)?index-url[ =]\S|find-links *=")
    found = [str(path.relative_to(ROOT)) for path, text in texts() if path != Path(__file__) and someones.search(text)]

    assert [name for name in found if not name.startswith("tests/devstack/")] == []


def test_no_secret_looks_real():
    real = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:sk_live|rk_live|shpat|ghp|xoxb)_[A-Za-z0-9]{16,}")

    assert [str(path) for path, text in texts() if path != Path(__file__) and real.search(text)] == []


@pytest.mark.parametrize("path", SCREENS, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_screen_keeps_the_content_security_policy(path: Path):
    """No inline script, style or handler, nothing from elsewhere, nothing htmx would have to eval."""
    if MAIL in path.parts:
        pytest.skip("a message, not a screen")
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)

    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", text), "inline script"
    assert not re.search(r"<style\b|\sstyle\s*=", text), "inline style"
    assert not re.search(r"""\son[a-z]+\s*=\s*["']""", text), "inline handler"
    assert not re.search(r"hx-on|[\"']js:|javascript:", text), "needs eval"
    assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//(?!www\.w3\.org)""", text), "from elsewhere"
    assert "|safe" not in text.replace(" ", ""), "unescaped"


def test_vendored_files_are_what_their_note_says():
    notes = [path for path in tracked() if path.name == "VENDOR.toml"]
    assert notes
    for note in notes:
        described = tomllib.loads(note.read_text())
        assert described["licence"]
        assert note.parent.name == f"{described['name']}-{described['version']}"
        assert any(name.startswith("LICENSE") for name in described["sha256"])
        for name, digest in described["sha256"].items():
            assert hashlib.sha256((note.parent / name).read_bytes()).hexdigest() == digest, f"{note.parent.name}/{name}"


def test_every_file_beside_a_vendor_note_is_named_in_it():
    for note in (path for path in tracked() if path.name == "VENDOR.toml"):
        named = set(tomllib.loads(note.read_text())["sha256"]) | {"VENDOR.toml"}
        assert {path.name for path in note.parent.iterdir()} <= named
