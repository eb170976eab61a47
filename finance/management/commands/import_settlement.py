"""`manage.py import_settlement VENDOR FILE…`: import settlement files, match them, and say what came of each."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.errors import Refusal
from exceptions.models import Case
from finance import canonical
from finance.models import LineKind, Settlement, SettlementFile
from finance.services import matches, settlements

TERMS = ("account", "decimal", "dates", "time_zone", "currency", "encoding", "stated")


class Command(BaseCommand):
    help = "Import settlement files of a payment provider and match them with the books."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("vendor", help=", ".join(reader.code for reader in canonical.readers()))
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--json", action="store_true", help="one JSON object per file, one a line")
        parser.add_argument("--no-match", action="store_true", help="import only")
        parser.add_argument("--account", default="", help="whose account at the provider")
        parser.add_argument("--decimal", choices=(".", ","), default="", help="as the account's language writes it")
        parser.add_argument("--dates", choices=("D/M/Y", "M/D/Y", "Y-M-D"), default="")
        parser.add_argument("--time-zone", default="", help="of moments without one")
        parser.add_argument("--currency", default="")
        parser.add_argument("--encoding", default="")
        parser.add_argument("--stated", default="", help="the payout's total as the provider's page or the bank says")
        parser.add_argument("--column", action="append", default=[], metavar="FIELD=TITLE", help="of a mapped file")

    def handle(self, **options: Any) -> None:
        terms: dict[str, Any] = {name: options[name] for name in TERMS if options[name]}
        if options["column"]:
            terms["columns"] = dict(each.split("=", 1) for each in options["column"] if "=" in each)
        for path in options["files"]:
            said = self._one(options["vendor"], path, terms, match=not options["no_match"])
            self.stdout.write(json.dumps(said) if options["json"] else _words(said))

    def _one(self, vendor: str, path: Path, terms: dict[str, Any], *, match: bool) -> dict[str, Any]:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}") from None
        try:
            done = settlements.import_(vendor, path.name, content, terms=terms or None)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        if match and not done.known:
            for pk in done.settlements:
                matches.match(pk)
        return {"file": str(path), **told(done)}


def told(done: settlements.Imported) -> dict[str, Any]:
    """What came of a file, as one object."""
    rows = Settlement.objects.filter(pk__in=done.settlements).order_by("pk")
    uids = [str(pk) for pk in done.settlements]
    cases = [*_cases("settlement_file", [done.file_id]), *_cases("settlement", uids)]
    return {
        "id": done.file_id,
        "outcome": "duplicate" if done.known else done.status.lower(),
        "status": done.status,
        "faults": done.faults,
        "settlements": [_settlement(row) for row in rows],
        "cases": cases,
        "sha256": SettlementFile.objects.values_list("sha256", flat=True).get(pk=done.file_id),
    }


def _cases(kind: str, uids: list[str]) -> list[dict[str, Any]]:
    rows = Case.objects.filter(subject_kind=kind, subject_uid__in=uids, is_open=True).order_by("pk")
    return [
        {"id": pk, "reason": reason, "summary": said}
        for pk, reason, said in rows.values_list("pk", "reason", "summary")
    ]


def _settlement(row: Settlement) -> dict[str, Any]:
    kinds: dict[str, int] = {}
    for kind in row.lines.values_list("kind", flat=True):
        kinds[kind or "unknown"] = kinds.get(kind or "unknown", 0) + 1
    whole, every = matches.matched_share(row)
    fee_rows = sum((line.fee if line.kind != LineKind.FEE else line.fee - line.gross) for line in row.lines.all())
    return {
        "id": row.pk, "ref": row.ref, "account": row.account, "currency": row.currency, "state": row.state,
        "lines": row.lines_count, "kinds": kinds, "controls": row.controls, "net": str(row.payout + row.carried),
        "payout": str(row.payout), "carried": str(row.carried), "fees": str(fee_rows), "matched": str(row.matched),
        "other": str(row.other), "written_off": str(row.written_off), "residual": str(row.residual),
        "matched_lines": whole, "matchable_lines": every, "faults": row.faults,
    }  # fmt: skip


def _words(said: dict[str, Any]) -> str:
    lines = [f"{said['file']}: {said['outcome']}"]
    lines += [
        f"  payout {each['ref']}: {each['payout']} {each['currency']}, {each['lines']} lines, fees {each['fees']}, "
        f"matched {each['matched_lines']} of {each['matchable_lines']}, not explained {each['residual']}"
        for each in said["settlements"]
    ]
    lines += [f"  case {each['id']} {each['reason']}: {each['summary']}" for each in said["cases"]]
    lines += [f"  {each['rule']}: row {each['row']}: {each['message']}" for each in said["faults"] if not said["cases"]]
    return "\n".join(lines)
