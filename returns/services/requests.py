"""What happens to a return before its goods come: asked for, approved, declined, called off, given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.actors import Actor
from core.subjects import Subject
from returns.models import Condition, Proof, RefundTo, ReturnKind, ReturnReason, ReturnRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedLine:
    """Units somebody wants to bring back: of a line of the order, or of an article where nothing shows an order."""

    quantity: int
    line: str = ""  # the order line's ref, or its id as text
    sku: str = ""
    reason: str = ReturnReason.UNKNOWN
    reason_text: str = ""
    condition: str = ""
    serials: tuple[str, ...] = ()
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A return as somebody asks for it. `order` is the order's number here; None for one without an order."""

    kind: str = ReturnKind.SERVICE
    lines: tuple[AskedLine, ...]
    order: str = ""
    proof: str = Proof.ORDER
    refund_to: str = RefundTo.ORIGINAL


def request(asked: Asked, *, actor: Actor, source: Subject | None = None) -> ReturnRequest:
    raise NotImplementedError


def approve(return_id: int, *, version: int | None = None, actor: Actor, **chosen: Any) -> ReturnRequest:
    raise NotImplementedError


def decline(return_id: int, *, reason: str, version: int | None = None, actor: Actor) -> ReturnRequest:
    raise NotImplementedError


def cancel(return_id: int, *, reason: str, version: int | None = None, actor: Actor) -> ReturnRequest:
    raise NotImplementedError


def expire(return_id: int, *, actor: Actor) -> ReturnRequest:
    raise NotImplementedError


__all__ = ["Asked", "AskedLine", "Condition", "approve", "cancel", "decline", "expire", "request"]
