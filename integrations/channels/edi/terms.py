"""What a connection's settings say of its partner's EDI documents. See docs/connecting/edi.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from integrations.failures import FailureClass, Fault, Unreadable
from integrations.models import Connection
from orders import canonical

# Which of a line's numbers is ours, the likeliest first: the seller's own, then what is printed on the goods, then the
# buyer's, which is looked up among the channel's aliases.
X12_CODES = ("VN", "VP", "VC", "VA", "SK", "MG", "MN", "UP", "EN", "UK", "UI", "UA", "UE", "EO", "IB", "BP", "IN",
             "PI", "CB", "PN", "PL", "SN", "UX", "ZZ")  # fmt: skip
EDIFACT_CODES = ("SA", "MF", "EN", "SRV", "UP", "UA", "UK", "UI", "GB", "IB", "BP", "IN", "PV", "PD", "SRS", "ZZZ")


@dataclass(frozen=True, slots=True)
class EdiTerms:
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    currency: str = ""  # where a document names none
    code_page: str = ""
    forgiving: bool = False  # wrong control counts are remarked on instead of refused
    codes: tuple[str, ...] = ()  # preferred before the usual ones
    units: Mapping[str, int] = field(default_factory=dict)  # unit of measure -> pieces in one
    accounts: Mapping[str, str] = field(default_factory=dict)  # a party's code -> our account
    account: str = ""
    for_partner: bool = False  # the other side does work for us: a supplier or a third-party warehouse
    differences: bool = False  # quantities of increases and decreases say by how much, not to how many
    reuses_numbers: bool = False  # the partner uses control numbers again

    def account_of(self, *codes: str) -> str:
        return next((self.accounts[code] for code in codes if code in self.accounts), self.account)


def terms_of(connection: Connection) -> EdiTerms:
    """Raises Unreadable naming the setting that makes no sense."""
    settings = connection.settings
    channel = connection.channel
    return EdiTerms(
        zone=_zone(str(settings.get("time_zone") or (channel.time_zone if channel else "UTC"))),
        currency=channel.currency if channel else "",
        code_page=str(settings.get("code_page") or ""),
        forgiving=_choice(settings, "control_totals", ("reject", "warn")) == "warn",
        codes=tuple(str(code).upper() for code in settings.get("item_codes") or ()),
        units=_units(settings.get("units") or {}),
        accounts={str(code): str(account) for code, account in (settings.get("accounts") or {}).items()},
        account=str(settings.get("account") or ""),
        for_partner=connection.kind in {Connection.Kind.SUPPLIER, Connection.Kind.WMS},
        differences=_choice(settings, "change_quantities", ("new", "difference")) == "difference",
        reuses_numbers=_choice(settings, "control_numbers", ("once", "reused")) == "reused",
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _refused("time_zone", f"names no time zone: {name[:40]!r}") from None


def _choice(settings: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    said = str(settings.get(name) or choices[0])
    if said not in choices:
        raise _refused(name, f"should be one of {', '.join(choices)}, is {said[:40]!r}")
    return said


def _units(said: Mapping[str, Any]) -> dict[str, int]:
    for unit, pieces in said.items():
        if isinstance(pieces, bool) or not isinstance(pieces, int) or not 1 <= pieces <= canonical.MAX_QUANTITY:
            raise _refused(f"units.{unit}", "should be how many pieces one of it holds")
    return {str(unit).upper(): pieces for unit, pieces in said.items()}


def _refused(name: str, words: str) -> Unreadable:
    return Unreadable(FailureClass.BAD_VALUE, Fault("", f"the connection's setting {name} {words}"))
