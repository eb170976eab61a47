"""Documents with wounds: what networks, exports, half-finished programs and ill will make of what a vendor writes.

One `chance` is one sequence of wounds, so whatever is found is found again.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from config.devstack.fault_proxy import FaultProxy

ODD: list[Any] = [
    None, True, False, 0, -1, 2**70, 10**39, 10**50, 10**18, -(10**18), 1.5, 1e300, float("nan"), float("inf"), "",
    "example string", "\x00", "\ud800", "\u202eabc\u2066", "\u3000", "\u0663", "\u00bd", "1e3", "1E+400", "-0", "-5.00",
    "NaN", "Infinity", "99999999999999999.99", "0" * 300, "a" * 5_000, "false", "null", "XXX", "usd ", [], {}, [None],
    [[]], [{}], ["x"], [1, "x", None, {}], [[[[[[]]]]]], {"id": {}}, {"a": {"b": {"c": {}}}}, {"shop_money": 3},
    "gid://shopify/Order/x", "2026-13-01T00:00:00Z", "2026-02-30", "1900-01-01", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "12:00", "/Date(1767225600000)/", 1_767_225_600_000, 253_402_300_800, -62_135_596_801,
]  # fmt: skip
NAMES = ["\x00", "\ud800", "id", "order", ""]
NOISE = b"+:'*~\n\r0A\x00\xff?.,;\"\t|-"
HEADS = (b"",) * 10 + (
    b"\xef\xbb\xbf", b"\xff\xfe", b"<br />\n<b>Warning</b>: no such file\n", b"[", b"\x00", b"[" * 3_000,
)  # fmt: skip


def wounded(body: bytes, chance: random.Random) -> bytes:
    """The document with wounds: in its parts where it is JSON, else in its lines and bytes; now and then cut, with
    something before it, or in another encoding."""
    try:
        found = json.dumps(mutated(json.loads(body), chance)).encode()
    except (ValueError, RecursionError):
        found = _scratched(body, chance)
    found = chance.choice(HEADS) + found
    if chance.random() < 0.07:
        found = found[: chance.randrange(len(found) + 1)]
    if chance.random() < 0.03:
        code_page = chance.choice(["utf-16", "utf-16-le", "utf-32", "cp1252"])
        found = found.decode("utf-8", "replace").encode(code_page, "replace")
    return found


def mutated(source: Any, chance: random.Random) -> Any:
    """The document with one to three random wounds: values swapped, dropped, repeated, of another type."""
    document = copy.deepcopy(source)
    for _ in range(chance.randint(1, 3)):
        at: Any = document
        while isinstance(at, (dict, list)) and at:
            key = chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if chance.random() < 0.35 or not isinstance(at[key], (dict, list)):
                _wound(at, key, chance)
                break
            at = at[key]
    return document


def _wound(at: Any, key: Any, chance: random.Random) -> None:
    how = chance.random()
    if how < 0.15:
        del at[key]
    elif how < 0.25:
        at[key] = [at[key]] * chance.choice((1, 2))
    elif how < 0.3:
        at[key] = {"x": at[key]}
    elif how < 0.4 and isinstance(at, dict):
        at[chance.choice(NAMES)] = at.pop(key)
    else:
        at[key] = copy.deepcopy(chance.choice(ODD))


def _scratched(body: bytes, chance: random.Random) -> bytes:
    """A line lost or said twice, bytes changed, lost, put in or moved."""
    lines = body.splitlines(keepends=True) or [b""]
    at = chance.randrange(len(lines))
    lines[at : at + 1] = [lines[at]] * chance.choice((0, 1, 2))
    found = bytearray(b"".join(lines))
    for _ in range(chance.randrange(6)):
        if not found:
            break
        at, how = chance.randrange(len(found)), chance.randrange(4)
        if how == 0:
            found[at] = chance.choice(NOISE)
        elif how == 1:
            del found[at : at + chance.randrange(1, 12)]
        elif how == 2:
            found[at:at] = bytes(chance.choice(NOISE) for _ in range(chance.randrange(1, 4)))
        else:
            source = chance.randrange(len(found))
            found[at : at + 5] = found[source : source + 5]
    return bytes(found)


class WoundingProxy(FaultProxy):
    """Lets every call through, and `share` of the answers come back wounded."""

    def __init__(self, target: str, *, seed: int, share: float = 0.4):
        self.wounds = 0
        super().__init__(target, seed=seed, share=share)

    def next_fault(self) -> str:
        return ""

    def as_answered(self, body: bytes) -> bytes:
        with self._lock:
            if not body or self.random.random() >= self.share:
                return body
            self.wounds += 1
            return wounded(body, self.random)
