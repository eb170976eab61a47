"""No wound to a document of any vendor raises anything unnamed: it means something, says nothing, or is refused by name."""

from __future__ import annotations

import json
import random

import pytest

from integrations.channels import registry
from integrations.failures import FailureClass, Unreadable
from tests.integrations.conftest import ROOT
from tests.integrations.test_translate import mutated

HOMES = [ROOT / "integrations" / family for family in ("channels", "carriers")]
VENDORS = [name for name in registry.known() if any((home / name / "fixtures").is_dir() for home in HOMES)]
NOISE = b"+:'*~\n\r0A\x00\xff?.,;\""
HEADS = (b"", b"\xef\xbb\xbf", b"\xff\xfe", b"<br />\n<b>Warning</b>: no such file\n", b"[", b"\x00")


def documents(vendor: str) -> list[bytes]:
    found = [path for home in HOMES for path in sorted((home / vendor / "fixtures").glob("*"))]
    return [path.read_bytes() for path in found if path.suffix != ".jsonl"]


def wounded(body: bytes, chance: random.Random) -> bytes:
    try:
        return json.dumps(mutated(json.loads(body), chance)).encode()
    except ValueError:  # no JSON: bytes changed, a line lost or said twice
        lines = body.splitlines(keepends=True)
        at = chance.randrange(len(lines))
        lines[at : at + 1] = [lines[at]] * chance.choice((0, 1, 2))
        found = bytearray(b"".join(lines))
        for _ in range(chance.randrange(3)):
            found[chance.randrange(len(found))] = chance.choice(NOISE)
        return bytes(found)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("wounds", [25, pytest.param(2_000, marks=pytest.mark.long)])
def test_whatever_is_wrong_with_a_document_is_said_by_name(vendor: str, wounds: int):
    chance = random.Random(wounds)
    understand = registry.get(vendor).understand

    for _ in range(wounds):
        body = chance.choice(HEADS) + wounded(chance.choice(documents(vendor)), chance)
        body = body[: chance.randrange(len(body))] if chance.random() < 0.1 else body
        found = refused = None
        try:
            found = understand("", body)
        except Unreadable as error:
            refused = error
        assert found is None or bool(found.acts) != bool(found.ignored)
        assert refused is None or (refused.reason and refused.failure_class in FailureClass)
