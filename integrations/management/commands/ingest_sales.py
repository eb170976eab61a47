"""manage.py ingest sales FILE… --channel CODE [--till CODE] [--make-items] [--json] (also: manage.py ingest_sales)

Feeds sales files (CSV, also .gz) through the inbox, one message an invoice, and accounts for every row: sale, return,
adjustment, ignored with its reason, or case. Exit 0 when every file was read to its end and its report adds up, 1 when
one does not, 2 when the command was called wrongly, and then nothing has been fed.
"""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import jobs
from core.actors import SYSTEM
from core.errors import Invalid
from core.models import Job
from integrations.failures import Unreadable
from integrations.files.sales import NAME, feeding, mapping_of
from integrations.files.sales.report import Report
from integrations.models import Connection

JOB = "integrations.sales_file"


class Command(BaseCommand):
    help = "Feed sales files invoice by invoice and account for every row."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--channel", required=True, help="code of the channel that sold")
        parser.add_argument("--till", default="", help="code of the channel of invoices that name no customer")
        parser.add_argument("--make-items", action="store_true", help="make the articles nobody knows yet")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        paths = [self._readable(Path(name)) for name in options["files"]]
        channel = self._connection(options["channel"].strip())
        till = self._connection(options["till"].strip()) if options["till"] else None
        whole = True
        for path in paths:
            said = self._feed(path, channel, till, make_items=options["make_items"])
            whole = whole and said["outcome"] == "processed"
            self._print(said, as_json=options["json"])
        if not whole:
            raise CommandError("Not every file was read to its end.", returncode=1)

    def _feed(self, path: Path, channel: Connection, till: Connection | None, *, make_items: bool) -> dict[str, Any]:
        began = time.monotonic()
        job = jobs.start(JOB, SYSTEM, {"file": path.name}, title=f"Sales file {path.name}"[:200])
        jobs.begin(job.pk)
        try:
            report = feeding.feed(
                path, channel, without_customer=till, make_items=make_items, tell=lambda rows: _tell(job, rows)
            )
        except jobs.Stopped:
            jobs.stopped(job.pk)
            return _said(path, "failed", "stopped by a person; feed it again for the rest")
        except Unreadable as error:
            jobs.fail(job.pk, error.reason)
            return _said(path, "failed", error.reason)
        except BaseException as error:
            jobs.fail(job.pk, f"{type(error).__name__}: {error}")
            raise
        used = {
            "seconds": round(time.monotonic() - began, 1),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        jobs.finish(job.pk, report.as_object() | used)
        outcome = "processed" if report.adds_up else "failed"
        return _said(path, outcome, _words(report)) | {"job": job.pk, "report": report.as_object() | used}

    def _readable(self, path: Path) -> Path:
        if not path.is_file() or not os.access(path, os.R_OK):
            raise CommandError(f"No such file, or it can't be read: {path}", returncode=2)
        return path

    def _connection(self, code: str) -> Connection:
        found = (
            Connection.objects.filter(channel__code=code, vendor=NAME)
            .exclude(status=Connection.Status.DISABLED)
            .select_related("channel__sells_from")
            .order_by("created_at")
            .first()
        )
        found = found or self._new_connection(code)
        if found.status != Connection.Status.ACTIVE:
            raise CommandError(f"The connection {found.code} is paused; resume it first.", returncode=2)
        try:
            mapping_of(found)
        except Invalid as invalid:
            raise CommandError(f"The mapping of {found.code} makes no sense: {invalid}", returncode=2) from None
        return found

    def _new_connection(self, code: str) -> Connection:
        from orders.models import Channel

        channel = Channel.objects.select_related("sells_from").filter(code=code).first()
        if channel is None:
            known = ", ".join(Channel.objects.order_by("code").values_list("code", flat=True)[:50]) or "none yet"
            raise CommandError(f"Unknown channel {code!r}. Known: {known}.", returncode=2)
        if channel.sells_from is None:
            self.stderr.write(f"{channel.name} does not say which place it sells from, so its sales move no stock.")
        made = Connection.objects.create(
            code=f"{NAME}-{code}"[:60],
            name=f"Sales files {channel.name}"[:120],
            kind=Connection.Kind.CHANNEL,
            vendor=NAME,
            channel=channel,
        )
        self.stderr.write(f"The connection {made.code} was made.")
        return made

    def _print(self, said: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(said, ensure_ascii=True))
            return
        self.stdout.write(f"{said['outcome']:<10} {said['file']}  {said['reason']}")
        for outcome, tally in said.get("report", {}).items():
            if isinstance(tally, dict):
                self.stdout.write(f"  {outcome:<12}{tally['rows']:>10,} rows {tally['units']:>12,} units")
                for words, part in tally.get("reasons", {}).items():
                    self.stdout.write(f"    {part['rows']:>10,} rows {part['units']:>12,} units  {words}")


def _tell(job: Job, rows: int) -> None:
    jobs.advance(job.pk, rows)
    jobs.checkpoint(job.pk)


def _said(path: Path, outcome: str, reason: str) -> dict[str, Any]:
    return {"file": str(path), "outcome": outcome, "reason": reason, "order": None, "case": None}


def _words(report: Report) -> str:
    verdict = "the report adds up" if report.adds_up else "THE REPORT DOES NOT ADD UP"
    return (
        f"{report.in_file.rows:,} rows, {report.in_file.units:,} units, {report.invoices:,} invoices "
        f"({report.new:,} new); {verdict}"
    )
