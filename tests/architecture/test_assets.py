"""What browsers are sent: vendored files are what they claim to be, sizes stay in their budgets, and nothing is inline."""

from __future__ import annotations

import gzip
import hashlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
VENDORED = sorted([*STATIC.glob("vendor/*"), *ROOT.glob("tests/browser/vendor/*")])
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# No page loads these: the reader of codes is fetched when somebody points a camera at one.
LATER = {"zxing-library-0.23.0"}
SYMBOLS = set(re.findall(r'<symbol id="i-([\w-]+)"', (STATIC / "icons.svg").read_text()))


def packed(*files: Path) -> int:
    return sum(len(gzip.compress(f.read_bytes(), 9)) for f in files)


@pytest.mark.parametrize("folder", VENDORED, ids=lambda f: f.name)
def test_a_vendored_file_is_the_one_that_was_recorded(folder):
    record = tomllib.loads((folder / "VENDOR.toml").read_text())
    files = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir() if f.name != "VENDOR.toml"}

    assert f"{record['name']}-{record['version']}" == folder.name
    assert record["licence"]
    assert any(name.startswith("LICENSE") for name in files)
    assert record["sha256"] == files


def loaded(entry: str) -> set[Path]:
    """Every module of ours a page that starts with this one can come to load."""
    seen: set[Path] = set()
    ahead = [STATIC / "js" / entry]
    while ahead:
        file = ahead.pop()
        if file not in seen:
            seen.add(file)
            ahead += [
                file.parent / name for name in re.findall(r"(?:from|import)\(?\s*'(\./[\w.-]+)'", file.read_text())
            ]
    return {file.resolve() for file in seen}


@pytest.mark.parametrize("entry", ["backroom.js", "hand.js"])
def test_sizes_stay_in_their_budgets(entry):
    own = sorted(loaded(entry))

    assert packed(STATIC / "backroom.css") <= 14 * 1024
    assert packed(*own) <= 12 * 1024
    assert (
        packed(*own, *(file for file in STATIC.glob("vendor/*/*.min.js") if file.parent.name not in LATER)) <= 30 * 1024
    )


def test_no_module_is_loaded_by_nobody():
    assert loaded("backroom.js") | loaded("hand.js") == {file.resolve() for file in (STATIC / "js").glob("*.js")}


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda f: str(f.relative_to(ROOT / "templates")))
def test_a_template_has_nothing_inline(file):
    text = re.sub(r"{#.*?#}", "", file.read_text(), flags=re.DOTALL)

    assert not re.search(r"\sstyle\s*=", text), "a style attribute"
    assert not re.search(r"\shx-on\b|\son\w+\s*=\s*[\"']", text), "an inline handler"
    assert not re.search(r"[\"'{:]\s*js:", text), "a js: value"
    assert not re.search(r"<style\b|<script(?![^>]*\b(?:src=|type=\"application/json\"))", text), (
        "an inline script or style"
    )


def test_every_icon_that_is_drawn_exists():
    drawn: dict[str, str] = {}
    for file in [*TEMPLATES, *(STATIC / "js").glob("*.js"), *ROOT.glob("*/reasons.py"), *ROOT.glob("*/apps.py")]:
        text = file.read_text()
        for name in re.findall(r"\bicon\(\s*[\"']([\w-]+)[\"']", text) + re.findall(r"icon_name=\"([\w-]+)\"", text):
            drawn[name] = str(file.relative_to(ROOT))
        for name in re.findall(r"\bicon=[\"']([\w-]+)[\"']", text):
            drawn[name] = str(file.relative_to(ROOT))

    assert {name: where for name, where in drawn.items() if name not in SYMBOLS} == {}
