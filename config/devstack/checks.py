"""`dev.py check`: every rule a change must keep, one line each, all of them even when one fails."""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import leases, locks
from .places import ROOT

Step = Callable[[], str]
TEMPLATES = "templates"
MOST_LINES = 120


@dataclass(frozen=True)
class Tools:
    python: Path

    def run(self, *command: str, env: dict[str, str] | None = None) -> str:
        """What a failing tool of .venv said; nothing when it is content."""
        done = subprocess.run(
            [str(self.python.parent / command[0]), *command[1:]],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return "" if done.returncode == 0 else done.stdout.strip() or f"{command[0]} ended with {done.returncode}"

    def steps(self, servers: dict[str, str]) -> list[tuple[str, Step]]:
        settings = {"DJANGO_SETTINGS_MODULE": "config.settings", **servers}
        tests = {"DJANGO_SETTINGS_MODULE": "tests.settings", **servers}
        make = ("python", "manage.py", "makemigrations", "--check", "--dry-run")
        return [
            ("ruff", lambda: self.run("ruff", "check", "--quiet", "--output-format", "concise", ".")),
            ("ruff format", lambda: self.run("ruff", "format", "--check", "--quiet", "--diff", ".")),
            ("mypy", lambda: self.run("mypy", env=tests)),
            ("import-linter", lambda: self.run("lint-imports", "--no-cache", env=settings)),
            ("djlint", lambda: self.run("djlint", TEMPLATES, "--lint", "--quiet")),
            ("deptry", lambda: self.run("deptry", "--no-ansi", ".")),
            ("codespell", lambda: self.run("codespell")),
            ("locks in step", lambda: "\n".join(locks.out_of_step())),
            ("container files", lambda: self.run("python", "-m", "tests.architecture.containers")),
            ("django check", lambda: self.run("python", "manage.py", "check", "--fail-level", "WARNING", env=settings)),
            ("migrations in step", lambda: self.run(*make, env=settings)),
        ]


def main(arguments: list[str], python: Path) -> int:
    options = argparse.ArgumentParser(prog="dev.py check")
    options.add_argument("--no-tests", action="store_true", help="leave the tests out")
    options.add_argument("--only", metavar="STEP", help="one step by its name")
    chosen = options.parse_args(arguments)

    lease = leases.take()
    tools = Tools(python)
    steps = [step for step in tools.steps(lease.env) if chosen.only in (None, step[0])]
    if not chosen.no_tests and chosen.only is None:
        steps.append(("tests", lambda: _tests(python)))
    failed = [name for name, step in steps if not _passes(name, step)]
    lease.give_up()
    print(f"{len(failed)} of {len(steps)} failed: {', '.join(failed)}" if failed else f"All {len(steps)} checks pass.")
    return 1 if failed else 0


def _passes(name: str, step: Step) -> bool:
    begun = time.monotonic()
    complaint = step()
    print(f"{'FAIL' if complaint else ' ok '}  {name:<20} {time.monotonic() - begun:6.1f} s", flush=True)
    if complaint:
        lines = complaint.splitlines()
        cut = [f"… {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
        print("\n".join(f"      {line}" for line in lines[:MOST_LINES] + cut), flush=True)
    return not complaint


def _tests(python: Path) -> str:
    """Tests speak for themselves while they run."""
    done = subprocess.run([str(python), "-m", "pytest", "-q"], cwd=ROOT, check=False)
    return "" if done.returncode == 0 else f"pytest ended with {done.returncode}"
