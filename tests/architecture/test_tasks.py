"""The tasks and their timetable, as a worker that starts from nothing knows them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from django.apps import apps
from django.conf import settings


def test_a_worker_knows_every_task_there_is_and_the_beat_sends_no_other():
    """Asked of a process of its own: here a test may have imported what a worker wouldn't."""
    asks = (
        "import json; from config.celery import app; app.loader.import_default_modules();"
        "print(json.dumps([sorted(app.tasks), sorted({tick['task'] for tick in app.conf.beat_schedule.values()})]))"
    )
    said = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True).stdout
    known, sent = map(set, json.loads(said.splitlines()[-1]))

    assert sent <= known
    ours = {Path(app.path) for app in apps.get_app_configs() if Path(app.path).parent == settings.BASE_DIR}
    for file in (file for path in ours for file in path.rglob("tasks.py")):
        if "shared_task" in file.read_text():
            module = ".".join(file.relative_to(settings.BASE_DIR).with_suffix("").parts)
            assert any(name.startswith(f"{module}.") for name in known), module
