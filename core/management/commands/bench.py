"""`manage.py bench NAME [--json]`: runs tests/benchmarks/NAME.py and prints what it measured.

A benchmark is a module with `run(options) -> dict`, whose result has at least the keys in RESULT. `raw_rate` is the
same effect in raw SQL measured in the same run, so that a slow machine slows both and the ratio stays honest.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from typing import Any

from django.core.management.base import BaseCommand, CommandError

RESULT = ("name", "rate", "raw_rate", "ratio", "p50_ms", "p95_ms", "settings")
HOME = "tests.benchmarks"


class Command(BaseCommand):
    help = "Measure one of the hot paths against the same effect in raw SQL."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("name", help="reserve, intake, outbox, pages, …")
        parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
        parser.add_argument("--seconds", type=float, help="how long to measure (the benchmark has its own default)")
        parser.add_argument("--clients", type=int, help="processes at work")
        parser.add_argument("--size", type=int, help="rows, orders or deliveries, as the benchmark means it")
        parser.add_argument(
            "--option", action="append", default=[], metavar="NAME=VALUE", help="any other (repeatable)"
        )

    def handle(self, **options: Any) -> None:
        result = _load(options["name"]).run(_Options(options))
        if missing := [key for key in RESULT if key not in result]:
            raise CommandError(f"The benchmark returned no {', '.join(missing)}.")
        result = {key: round(value, 4) if isinstance(value, float) else value for key, value in result.items()}
        if options["json"]:
            self.stdout.write(json.dumps(result, default=str))
            return
        for key, value in result.items():
            self.stdout.write(f"{key:>12}  {value}")


class _Options(dict[str, Any]):
    """The command's options, by item or by attribute; what wasn't given is None. `other` holds --option NAME=VALUE."""

    def __init__(self, options: dict[str, Any]):
        super().__init__({k: options[k] for k in ("seconds", "clients", "size")})
        self["other"] = dict(pair.split("=", 1) if "=" in pair else (pair, "1") for pair in options["option"])

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def _load(name: str) -> Any:
    try:
        return importlib.import_module(f"{HOME}.{name}")
    except ModuleNotFoundError as error:
        if error.name not in {HOME, "tests", f"{HOME}.{name}"}:
            raise
        raise CommandError(
            f"There is no benchmark {name!r}; there are: {', '.join(_names()) or 'none here'}."
        ) from None


def _names() -> list[str]:
    try:
        home = importlib.import_module(HOME)
    except ModuleNotFoundError:
        return []
    return sorted(m.name for m in pkgutil.iter_modules(home.__path__) if not m.name.startswith("_"))
