"""Keeping what an outside system is the master of: which record is which of ours, newer over older, once each.

What is theirs: the fields `inventory.masters` and `meaning.IncomingAccount` name. A connection's setting `ours` lists
those of them that are kept here all the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace

from django.db import connection as database

from core.actors import Actor
from core.errors import Refusal
from core.subjects import Subject
from integrations.channels.meaning import IncomingAccount, KeepMaster
from integrations.models import Connection, InboundMessage, MasterRecord
from inventory.masters import IncomingItem, IncomingPlace
from inventory.services import masters
from orders.models import Account
from orders.services import accounts

Kind = MasterRecord.Kind
KINDS = {IncomingItem: Kind.ITEM, IncomingPlace: Kind.LOCATION, IncomingAccount: Kind.ACCOUNT}


@dataclass(frozen=True, slots=True)
class Kept:
    subject: Subject
    changed: bool = False
    stale: bool = False
    words: str = ""


def keep(act: KeepMaster, message: InboundMessage) -> Kept:
    """Make or change what the record means here. Safe to repeat and in any order: an older version changes nothing.

    Inside the caller's transaction. Raises Refusal or Invalid where the record contradicts ours: that is the message's
    failure and its case.
    """
    connection, kind = message.connection, KINDS[type(act.record)]
    with database.cursor() as cursor:  # two versions of one record take turns, also before there is a row to lock
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{connection.pk}:{kind}:{act.ref}"])
    known = MasterRecord.objects.filter(connection=connection, kind=kind, ref=act.ref).first()
    digest = hashlib.sha256(repr(act.record).encode()).digest()
    if known is not None:
        if known.version and act.version and act.version < known.version:
            label = _subject(kind, known.uid, known.code)
            return Kept(label, stale=True, words=f"not newer than what is known of {known.code}")
        if bytes(known.digest) == digest:
            MasterRecord.objects.filter(pk=known.pk).update(version=act.version)
            return Kept(_subject(kind, known.uid, known.code), words=f"{known.code} is known to be so already")
    kept = _carry_out(act.record, connection, known.uid if known else None, connection.actor)
    values = {"version": act.version, "digest": digest, "uid": int(kept.subject.uid), "code": act.record.code[:200]}
    MasterRecord.objects.update_or_create(connection=connection, kind=kind, ref=act.ref, defaults=values)
    return kept


def system(connection: Connection) -> str:
    """Under which name the connection's codes are kept as aliases: its snapshots look there as well."""
    return connection.channel.code if connection.channel else connection.code


def _carry_out(
    record: IncomingItem | IncomingPlace | IncomingAccount, connection: Connection, known_as: int | None, actor: Actor
) -> Kept:
    settings = connection.settings
    ours = frozenset(settings.get("ours") or ())
    if isinstance(record, IncomingAccount):
        return _account(record, known_as, ours, actor)
    if isinstance(record, IncomingItem):
        kept = masters.keep_item(record, system=system(connection), known_as=known_as, ours=ours, actor=actor)
    else:
        kind = str(settings.get("new_locations") or "")
        kept = masters.keep_place(
            record, system=system(connection), known_as=known_as, new_kind=kind, ours=ours, actor=actor
        )
    return _told(kept.subject, made=kept.made, changed=kept.changed)


def _told(subject: Subject, *, made: bool, changed: list[str]) -> Kept:
    if made:
        return Kept(subject, changed=True, words=f"made {subject.label}")
    if changed:
        return Kept(subject, changed=True, words=f"{subject.label}: {', '.join(changed)[:300]}")
    return Kept(subject, words=f"{subject.label} is so already")


def _account(record: IncomingAccount, known_as: int | None, ours: frozenset[str], actor: Actor) -> Kept:
    """Approval rules and channels are ours; name, currency, terms, limit, stop and tax id are theirs."""
    found = Account.objects.select_for_update(no_key=True, of=("self",))
    account = found.filter(pk=known_as).first() if known_as else found.filter(code=record.code).first()
    told = {
        name: value
        for name, value in asdict(record).items()
        if name != "code" and value is not None and name not in ours
    }
    if account is None:
        missing = [name for name in ("currency", "payment_terms") if name not in told]
        if missing:
            words = " and ".join(name.replace("_", " ") for name in missing)
            raise Refusal("account_incomplete", f"The customer {record.code} comes without {words}; none is made up.")
        made = accounts.make(record.code, accounts.Draft(**told), actor=actor)
        return _told(made.subject, made=True, changed=[])
    now = accounts.draft_of(account)
    wanted = replace(now, **told)
    if wanted == now:
        return _told(account.subject, made=False, changed=[])
    changed = [name for name, value in told.items() if getattr(now, name) != value]
    accounts.change(account.pk, wanted, actor=actor)
    return _told(account.subject, made=False, changed=changed)


def _subject(kind: str, uid: int, code: str) -> Subject:
    return Subject(kind.lower(), str(uid), code)
