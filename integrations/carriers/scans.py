"""What carriers' tracking documents have in common: a number, scans, and words for what is no tracking at all. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from integrations.channels import marketplaces
from integrations.channels.meaning import Act, FollowParcel, Meaning, SetAside, ignored
from integrations.channels.vendor import Delivery, Vendor
from integrations.documents import read_json, without_nul, write_json
from integrations.failures import FailureClass, Fault, Unreadable, unparsable
from integrations.reading import Faults, Node
from orders.tracking import PROGRESS, Scan

Translate = Callable[[dict[str, Any], Faults], Meaning | None]


def reader(title: str, translate: Translate, lists: str = "") -> Callable[[str, bytes], Meaning]:
    """`understand` of a vendor: reads strictly, gathers every fault, and refuses what no rule of its knows.

    A document may bring many parcels as a list under the key `lists`: each is understood by itself.
    """

    def understand(topic: str, body: bytes) -> Meaning:
        document = read_json(body)
        if not isinstance(document, dict):
            raise unparsable(f"{title}'s documents are objects")
        items = document.get(lists) if lists else None
        if isinstance(items, list) and len(items) > 1:
            return _each_alone([without_nul({**document, lists: [item]}) for item in items])
        return alone(document)

    def alone(document: dict[str, Any]) -> Meaning:
        faults = Faults()
        meaning = translate(without_nul(document), faults)
        faults.raise_if_any()
        if meaning is None:
            inner = document.get("response")
            marketplaces.refuse_error(inner if isinstance(inner, dict) else document, title)
            names = ", ".join(sorted(document)[:5]) or "nothing"
            raise Unreadable(
                FailureClass.BAD_VALUE, Fault("", f"no document of {title}'s that is known here: it holds {names}")
            )
        seen = tuple(act for act in meaning.acts if not isinstance(act, FollowParcel) or act.scans)
        return (
            Meaning(seen, meaning.ignored) if seen or meaning.ignored else ignored("the carrier has seen nothing yet")
        )

    def _each_alone(documents: Sequence[dict[str, Any]]) -> Meaning:
        acts: list[Act] = []
        reasons: set[str] = set()
        for document in documents:
            body = write_json(document)
            try:
                meaning = alone(document)
            except Unreadable:
                acts.append(SetAside(body))
                continue
            acts += [replace(act, alone=body) if isinstance(act, FollowParcel) else act for act in meaning.acts]
            reasons |= {meaning.ignored} - {""}
        return Meaning(acts=tuple(acts)) if acts else ignored("; ".join(sorted(reasons)))

    return understand


def unsigned(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    """For those that are asked or fed, and deliver nothing by themselves."""
    return False


def by_content(body: bytes, headers: Mapping[str, str]) -> Delivery:
    return Delivery(f"sha256:{hashlib.sha256(body).hexdigest()}", "tracking")


def vendor(name: str, title: str, version: str, translate: Translate, lists: str = "", **more: Any) -> Vendor:
    options = {"verify": unsigned, "delivery": by_content, **more}
    return Vendor(
        name=name, title=title, mapping_version=version, understand=reader(title, translate, lists), **options
    )


def follow(number: str, scans: Sequence[Scan | None], at: Node) -> Meaning:
    """The parcel and what was said of it; a number that is missing is a fault at `at`."""
    if not number:
        at.fault("names no tracking number")
    return Meaning(acts=(FollowParcel(number, tuple(scan for scan in scans if scan is not None)),))


def scan(
    node: Node, states: Mapping[str, str], code: str, *, when: str, words: str = "", place: str = "", detail: str = ""
) -> Scan | None:
    """One scan. A code no map knows says nothing of where the parcel is, but its words are kept.

    `when` is the carrier's own writing; without an offset it counts as UTC, and is kept as written.
    """
    at = moment(when)
    if at is None:
        node.fault(f"has no date and time that can be read: {when[:40]!r}")
        return None
    state = states.get(code.strip().lower(), "unknown")
    assert state in PROGRESS  # noqa: S101  (a map of ours)
    return Scan(state, at, " ".join(words.split())[:255], (detail or code)[:60], place[:200], when[:60])


def moment(text: str) -> datetime | None:
    """ISO 8601 with or without an offset, or 20220126 163000."""
    text = text.strip()
    if len(text) == 15 and text.replace(" ", "").isdigit():
        text = f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:15]}"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return found if 1990 <= found.year < 3000 else None


def place(*parts: str) -> str:
    """What there is of a place: town, region, country."""
    return ", ".join(part for part in parts if part)
