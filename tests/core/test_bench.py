from __future__ import annotations

import json
import os
import subprocess
import sys
from io import StringIO
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from tests.benchmarks import outbox as bench_outbox

pytestmark = pytest.mark.django_db


def test_a_benchmark_nobody_wrote_is_named_with_those_there_are():
    with pytest.raises(CommandError, match="outbox"):
        call_command("bench", "nothing_such")


def test_options_reach_the_benchmark_and_one_object_comes_back(monkeypatch):
    seen = {}

    def run(options):
        seen.update(options)
        return {
            "name": "outbox", "rate": 10.123456, "raw_rate": 20, "ratio": 0.5, "p50_ms": 1, "p95_ms": 2, "settings": {}
        }  # fmt: skip

    monkeypatch.setattr(bench_outbox, "run", run)
    out = StringIO()

    call_command("bench", "outbox", "--json", "--size", "7", "--option", "batch=3", stdout=out)

    assert json.loads(out.getvalue())["rate"] == 10.1235
    assert (seen["size"], seen["seconds"], seen["other"]) == (7, None, {"batch": "3"})


def test_a_benchmark_that_leaves_something_out_fails(monkeypatch):
    monkeypatch.setattr(bench_outbox, "run", lambda options: {"name": "outbox"})

    with pytest.raises(CommandError, match="raw_rate"):
        call_command("bench", "outbox")


@pytest.mark.django_db(transaction=True)
def test_the_relay_benchmark_delivers_all_it_made():
    # A process of its own: it forks, and this one may hold a browser's threads.
    command = [sys.executable, "manage.py", "bench", "outbox", "--json", "--size", "600", "--clients", "1"]
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"])

    said = subprocess.run(
        [*command, "--option", "here=1"], cwd=settings.BASE_DIR, env={**os.environ, "DATABASE_URL": urlunsplit(address)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip

    assert said.returncode == 0, said.stderr[-2000:]
    found = json.loads(said.stdout.strip().splitlines()[-1])
    assert found["settings"]["left_over"] == 0
    assert found["rate"] > 0 < found["raw_rate"]
