"""manage.py freeze_contract: what the API's description promises now is kept, so that a later one can be held to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.generators import SchemaGenerator

from core.api import contract

FOLDER = Path(settings.BASE_DIR) / "docs" / "contracts"
_SAID = ("description", "summary", "examples", "example", "title", "tags")


class Command(BaseCommand):
    help = "Write docs/contracts/<version>.json. Refused while something promised there is missing."

    def handle(self, *args: Any, **options: Any) -> None:
        FOLDER.mkdir(exist_ok=True)
        for version, now in described().items():
            path = FOLDER / f"{version}.json"
            before = json.loads(path.read_text()) if path.exists() else {"paths": {}}
            if lost := contract.breaks(before, now):
                raise CommandError("\n".join([f"{version} was promised, and would break:", *lost]))
            path.write_text(
                json.dumps(now, sort_keys=True, separators=(",", ":")).replace('},"/api/', '},\n"/api/') + "\n"
            )
            self.stdout.write(f"{version}: {len(now['paths'])} paths")


def described() -> dict[str, dict[str, Any]]:
    """Each released version as OpenAPI describes it, without what is only said to people."""
    whole = SchemaGenerator().get_schema(request=None, public=True)
    versions: dict[str, dict[str, Any]] = {}
    for path, item in whole["paths"].items():
        versions.setdefault(path.split("/")[2], {"paths": {}})["paths"][path] = _bare(item)
    return versions


def _bare(part: Any, *, names: bool = False) -> Any:
    """`names`: the keys are a caller's own words, so none of them is one of OpenAPI's."""
    if isinstance(part, list):
        return [_bare(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _bare(value, names=key == "properties" and not names)
        for key, value in part.items()
        if names or key not in _SAID
    }
