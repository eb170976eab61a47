"""UPS's Locator (version 3): access points, shops and customer centres near an address.

A client id and secret get a token (OAuth 2, client credentials); days of the week count from Sunday, 1; hours are
written 900 or 2000. Lists of one come as the one. https://developer.ups.com/api/reference/locator
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import Permanent
from integrations import http, tokens
from integrations.carriers import opening
from integrations.carriers.port import DropOff, Opening, Rejected
from integrations.failures import FailureClass
from integrations.http import Answer, FailedForGood
from integrations.models import Connection

ADDRESS = "https://onlinetools.ups.com"
CALL = 5.0  # seconds for one call: somebody waits at a screen
KILOMETRES = 15
METRES = {"KM": Decimal(1000), "MI": Decimal("1609.344")}
NONE_FOUND = frozenset({"350207", "350200", "350223"})  # no location near, in its list of errors


class Locator:
    def __init__(self, connection: Connection):
        self.connection = connection
        self.base = str(connection.settings.get("places_url") or ADDRESS).rstrip("/")
        self.client = (str(connection.settings.get("client_id") or ""), connection.secret("client_secret"))
        if not all(self.client):
            raise Permanent(f"{connection.name} lacks its client id or secret.")

    def places(self, address: Mapping[str, Any], *, limit: int) -> Sequence[DropOff]:
        body = json.dumps(_request(address, min(limit, 50))).encode()

        def make(token: str) -> Answer:
            return http.request(
                self.connection, "POST", f"{self.base}/api/locations/v3/search/availabilities/1?Locale=en_GB",
                purpose="POST locations", deadline=CALL, content=body,
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json",
                         "transactionSrc": "backroom"},
            )  # fmt: skip

        try:
            answer = tokens.call(self.connection, "|".join(self.client), self._renew, make).json()
        except FailedForGood as refusal:
            if refusal.status not in {400, 404}:
                raise
            code, words = _error(refusal.body)
            if code in NONE_FOUND or refusal.status == 404:
                return []
            raise Rejected(FailureClass.BAD_VALUE, words) from None
        found = [place for each in _listed(_results(answer), "DropLocation") if (place := _place(each)) is not None]
        return sorted(found, key=lambda place: (place.metres is None, place.metres or 0, place.ref))[:limit]

    def _renew(self) -> tuple[str, float]:
        answer = tokens.ask(
            self.connection, f"{self.base}/security/v1/oauth/token", {"grant_type": "client_credentials"},
            client=self.client, deadline=CALL,
        )  # fmt: skip
        return tokens.lasting(answer)


def _request(address: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """Everything it takes parcels at, the nearest first."""
    country = str(address.get("country") or "")
    named = {
        "AddressLine": address.get("line1"), "PoliticalDivision2": address.get("city"),
        "PoliticalDivision1": address.get("region") if country in {"US", "CA"} else "",
        "PostcodePrimaryLow": address.get("postal_code"), "CountryCode": country,
    }  # fmt: skip
    return {
        "LocatorRequest": {
            "Request": {"RequestAction": "Locator"},
            "OriginAddress": {
                "AddressKeyFormat": {name: str(value) for name, value in named.items() if value},
                "MaximumListSize": str(limit),
            },
            "Translate": {"LanguageCode": "ENG", "Locale": "en_GB"},
            "UnitOfMeasurement": {"Code": "KM"},
            "LocationSearchCriteria": {"MaximumListSize": str(limit), "SearchRadius": str(KILOMETRES)},
            "SortCriteria": {"SortType": "01"},
        }
    }


def _results(answer: Any) -> dict[str, Any]:
    response = answer.get("LocatorResponse") if isinstance(answer, dict) else None
    if not isinstance(response, dict):
        return {}
    status = response.get("Response") or {}
    error = status.get("Error") if isinstance(status, dict) else None
    told = error[0] if isinstance(error, list) and error else error
    if isinstance(told, dict) and str(status.get("ResponseStatusCode")) == "0":
        if str(told.get("ErrorCode")) in NONE_FOUND:
            return {}
        raise Rejected(FailureClass.BAD_VALUE, str(told.get("ErrorDescription") or "UPS refused.")[:300])
    found = response.get("SearchResults")
    return found if isinstance(found, dict) else {}


def _place(found: Mapping[str, Any]) -> DropOff | None:
    where, ref = _object(found, "AddressKeyFormat"), _text(found, "LocationID")
    point = _object(found, "AccessPointInformation")
    ref = _text(point, "PublicAccessPointID") or ref
    if not ref or not where:
        return None
    kind = _object(_object(found, "LocationAttribute"), "OptionCode")
    geo = _object(found, "Geocode")
    return DropOff(
        ref=ref[:120],
        carrier="UPS",
        name=_text(where, "ConsigneeName") or ref,
        kind=_text(kind, "Description") or "Shop",
        address={
            "line1": _text(where, "AddressLine"), "city": _text(where, "PoliticalDivision2"),
            "region": _text(where, "PoliticalDivision1"), "postal_code": _text(where, "PostcodePrimaryLow"),
            "country": _text(where, "CountryCode"),
        },
        metres=_metres(_object(found, "Distance")),
        hours=_hours(_object(found, "OperatingHours")),
        note=_text(found, "LatestGroundDropOffTime") and f"Last collection {_text(found, 'LatestGroundDropOffTime')}",
        latitude=_float(geo, "Latitude"),
        longitude=_float(geo, "Longitude"),
    )  # fmt: skip


def _hours(found: Mapping[str, Any]) -> tuple[Opening, ...]:
    """Those of the counter (type 10): the others say when parcels are fetched from it."""
    kinds = _listed(found, "StandardHours")
    counter = next((each for each in kinds if _text(each, "HoursType") == "10"), kinds[0] if kinds else {})
    days: list[Opening] = []
    for each in _listed(counter, "DayOfWeek"):
        number = _text(each, "Day")
        if "ClosedIndicator" in each or number not in set("1234567"):
            continue
        day = (int(number) + 5) % 7  # theirs begins with Sunday
        if "Open24HoursIndicator" in each:
            days.append(Opening(day, 0, opening.DAY))
            continue
        opens, closes = _texts(each, "OpenHours"), _texts(each, "CloseHours")
        for since, until in zip(map(opening.minutes, opens), map(opening.minutes, closes), strict=False):
            if since is not None and until is not None:
                days.append(Opening(day, since, until or opening.DAY))
    return tuple(days)


def _metres(found: Mapping[str, Any]) -> int | None:
    unit = METRES.get(_text(_object(found, "UnitOfMeasurement"), "Code").upper())
    try:
        return round(Decimal(_text(found, "Value")) * unit) if unit else None
    except InvalidOperation:
        return None


def _float(found: Mapping[str, Any], name: str) -> float | None:
    try:
        return float(_text(found, name))
    except ValueError:
        return None


def _object(found: Any, name: str) -> Mapping[str, Any]:
    value = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, Mapping) else {}


def _listed(found: Any, name: str) -> list[Mapping[str, Any]]:
    value = found.get(name) if isinstance(found, Mapping) else None
    many = value if isinstance(value, list) else [value]
    return [each for each in many if isinstance(each, Mapping)]


def _texts(found: Mapping[str, Any], name: str) -> list[str]:
    value = found.get(name)
    return [str(each) for each in (value if isinstance(value, list) else [value]) if each not in (None, "")]


def _text(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, Mapping) else None
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
    return " ".join(text.replace("&#xD;", " ").replace("\0", "").split())[:200]


def _error(body: bytes) -> tuple[str, str]:
    try:
        told = json.loads(body)["response"]["errors"][0]
        return str(told.get("code") or ""), str(told.get("message") or "UPS refused.")[:300]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "", "UPS does not understand this address."
