"""A return as a channel sees it, whoever sends it: what translators build. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from returns.models import ReturnReason as R

State = Literal["requested", "approved", "declined", "cancelled", "closed"]

# What vendors call a reason, in small letters with hyphens, and what it is here.
REASONS: dict[str, R] = {
    "color": R.COLOUR, "colour": R.COLOUR, "style": R.STYLE, "fit": R.TOO_SMALL, "unwanted": R.UNWANTED,
    "changed-my-mind": R.UNWANTED, "no-longer-needed": R.UNWANTED, "missed": R.OTHER, "other": R.OTHER,
    "other-reason": R.OTHER, "unknown": R.UNKNOWN, "wrong-item": R.WRONG_ITEM, "received-wrong-item": R.WRONG_ITEM,
    "not-as-described": R.NOT_AS_DESCRIBED, "defective": R.DEFECTIVE, "damaged-or-defective": R.DEFECTIVE,
    "damaged": R.DAMAGED, "damaged-in-transit": R.DAMAGED, "missing-parts": R.MISSING_PARTS, "late": R.LATE,
    "arrived-late": R.LATE, "arrived-too-late": R.LATE, "size-too-large": R.TOO_LARGE, "too-large": R.TOO_LARGE,
    "too-big": R.TOO_LARGE, "too-long": R.TOO_LARGE, "too-wide": R.TOO_LARGE, "too-loose": R.TOO_LARGE,
    "size-too-small": R.TOO_SMALL, "too-small": R.TOO_SMALL, "too-short": R.TOO_SMALL, "too-tight": R.TOO_SMALL,
    "too-narrow": R.TOO_SMALL, "ordered-wrong-item": R.UNWANTED, "quality-unacceptable": R.NOT_AS_DESCRIBED,
    "mis-ordered": R.UNWANTED, "undeliverable-unknown": R.OTHER, "unauthorized-purchase": R.OTHER,
}  # fmt: skip


def reason_of(said: str) -> str:
    """Our reason for a vendor's word; OTHER for one nobody knows, UNKNOWN where nothing was said."""
    key = "-".join(said.lower().replace("_", " ").replace("-", " ").split())
    key = key.removeprefix("cr-").removeprefix("amz-pg-")
    return REASONS.get(key, R.OTHER) if key else R.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingReturnLine:
    """Units of a line of the order, by its ref or the article's code. `ref` is the channel's id of the return line."""

    quantity: int
    ref: str = ""
    line_ref: str = ""
    sku: str = ""
    title: str = ""
    reason: str = R.UNKNOWN
    reason_text: str = ""
    serials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingReturn:
    """One return, once by its `ref` in the channel. Told again it says how the channel sees it now."""

    ref: str
    order_ref: str
    state: State = "requested"
    lines: tuple[IncomingReturnLine, ...] = ()
    number: str = ""
    at: datetime | None = None
    tracking_number: str = ""
    tracking_url: str = ""
    carrier: str = ""
    promised_until: datetime | None = None
    reason: str = ""
    edi: bool = False
