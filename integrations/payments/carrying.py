"""One payment instruction on its way: sent once, looked for before it is ever sent again.

The outbox gives an instruction's deliveries to one worker at a time, those of one tender in order. That it goes out is
written before the call; whoever finds it so afterwards asks the provider first, by our reference, and repeats it under
the same key. So a worker that dies between the call and its answer leaves one movement of money, never two.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Permanent, TryLater
from integrations import cutover
from integrations.channels import registry as channels
from integrations.models import Connection
from integrations.payments import registry
from integrations.payments.port import Outcome, PaymentPort, Rejected, Wanted
from orders.models import InstructionStatus, PaymentInstruction, Via
from orders.services import instruction_answers

PAUSE_SECONDS = 60.0
S = InstructionStatus


def carry(instruction_id: int) -> None:
    """Do what is due for an instruction. Safe to repeat and to race. TryLater while its account can't be reached."""
    row = PaymentInstruction.objects.select_related("order__channel", "tender").get(pk=instruction_id)
    if row.status not in {S.WANTED, S.SENT}:
        return
    if row.via == Via.PROVIDER:
        connection = _usable(registry.connection_for(row.connection), row.connection)
        _send(row, connection, registry.port)
    elif row.via == Via.CHANNEL:
        found = _channel(row)
        if found is not None:
            _send(row, *found)
        else:
            instruction_answers.by_hand(row.pk, actor=SYSTEM)


def _send(row: PaymentInstruction, connection: Connection, made: Callable[[Connection], PaymentPort]) -> None:
    actor = connection.actor
    try:
        port = made(connection)
        wanted = wanted_of(row)
        outcome = port.find(wanted, row.provider_ref) if row.status == S.SENT else None
        if outcome is None:
            if row.status == S.SENT and row.provider_ref:
                return  # it was taken, and a webhook will say
            if not instruction_answers.sending(row.pk, actor=actor):
                return
            outcome = port.carry(wanted)
    except Rejected as no:
        instruction_answers.failed(row.pk, code=no.code, reason=no.reason, ref=no.ref, actor=actor)
    except Permanent as error:
        # A wrong key or address refuses every instruction alike: none fails for it, and a person can put it right.
        raise TryLater(str(error), seconds=PAUSE_SECONDS, spends_attempt=False) from error
    else:
        _keep(row, outcome, connection)


def _keep(row: PaymentInstruction, outcome: Outcome, connection: Connection) -> None:
    if not outcome.settled:
        instruction_answers.accepted(row.pk, ref=outcome.ref)
        return
    instruction_answers.done(
        row.pk, ref=outcome.ref, at=outcome.at or timezone.now(), amount=outcome.amount, gateway=outcome.gateway,
        parent_ref=outcome.parent, expires_at=outcome.expires_at, refund_ref=outcome.refund_ref,
        released=outcome.released, actor=connection.actor,
    )  # fmt: skip


def wanted_of(row: PaymentInstruction) -> Wanted:
    return Wanted(
        uid=str(row.uid),
        key=f"{row.uid}-{row.tries}",
        kind=row.kind,  # type: ignore[arg-type]
        amount=row.amount,
        currency=row.currency,
        order=row.order.channel_ref if row.via == Via.CHANNEL else row.order.number,
        tender=row.tender.provider_ref if row.tender else "",
        parent=row.tender.parent_ref if row.tender else "",
        source={**row.source, **(_for_channel(row) if row.via == Via.CHANNEL else {})},
    )


def _for_channel(row: PaymentInstruction) -> dict[str, object]:
    """A channel keeps refunds with their lines; those stand in the first of several."""
    first = row.key.endswith(":1")
    return {"document": row.document if first else {}, "gateway": row.tender.gateway if row.tender else ""}


def _usable(connection: Connection | None, code: str) -> Connection:
    if connection is None:
        raise TryLater(f"No account is called {code}.", seconds=PAUSE_SECONDS, spends_attempt=False)
    if connection.status != Connection.Status.ACTIVE:
        words = f"{connection.name} is {connection.status.lower()}."
        raise TryLater(words, seconds=PAUSE_SECONDS, spends_attempt=False)
    return connection


def _channel(row: PaymentInstruction) -> tuple[Connection, Callable[[Connection], PaymentPort]] | None:
    """The oldest connection of the order's channel that moves money for us; None: a person does it there."""
    rows = Connection.objects.filter(channel=row.order.channel, kind=Connection.Kind.CHANNEL)
    for connection in rows.exclude(status=Connection.Status.DISABLED).order_by("created_at"):
        vendor = channels.find(connection.vendor)
        known = vendor and vendor.payments and vendor.can_be_called(connection)
        if vendor and vendor.payments and known and cutover.tells(connection, row.order):
            return _usable(connection, connection.code), vendor.payments
    return None
