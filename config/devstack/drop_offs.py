"""DHL's Location Finder and UPS's Locator as far as they find places, with the faults of the other local servers.

Copied is what matters: DHL's key in a header, one service a call, 400 for a country it doesn't know, places within a
radius by distance in metres; UPS's token by Basic credentials that ends, its nesting, text for numbers, lists of one as
the one, days from Sunday, miles, and "no location" as an error of its own.
"""

from __future__ import annotations

import argparse
import base64
import os
from collections import Counter
from typing import Any

try:
    from config.devstack.local_server import LocalServer
    from config.devstack.rest_server import Handler, Market, Told
except ImportError:  # run as a script, from beside it
    from local_server import LocalServer  # type: ignore[import-not-found, no-redef]
    from rest_server import Handler, Market, Told  # type: ignore[import-not-found, no-redef]

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Finder(Market):
    """Places of one carrier; `asked_for` are the addresses it was asked about."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.found: list[dict[str, Any]] = []
        self.asked_for: list[dict[str, Any]] = []


class Dhl(Finder):
    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        if headers.get("dhl-api-key") != self.key:
            return 401, {"status": 401, "title": "Unauthorized", "detail": "Unauthorized for given resource."}
        self.asked_for.append(query)
        if query.get("countryCode") == "XX":
            return 400, {"status": 400, "title": "Bad request", "detail": "countryCode: unknown"}
        near = [each for each in self.found if query["serviceType"] in each["serviceTypes"]]
        near = [each for each in near if each["distance"] <= int(query["radius"])]
        return 200, {"locations": sorted(near, key=lambda each: each["distance"])[: int(query["limit"])]}

    def put(self, ref: str, metres: int, service: str = "parcel:drop-off", **fields: Any) -> None:
        opens = {"opens": "09:00:00", "closes": "18:00:00"}
        self.found.append({
            "url": f"/locations/{ref}", "name": f"Postfiliale {ref}", "distance": metres,
            "location": {"ids": [{"locationId": ref, "provider": "parcel"}], "keyword": "Postfiliale",
                         "keywordId": ref, "type": "postoffice"},
            "place": {"address": {"countryCode": "DE", "postalCode": "53113", "addressLocality": "Bonn",
                                  "streetAddress": "Platz 1"},
                      "geo": {"latitude": 50.72, "longitude": 7.11}},
            "openingHours": [{**opens, "dayOfWeek": f"http://schema.org/{day}"} for day in DAYS[:5]],
            "closurePeriods": [], "serviceTypes": [service],
        } | fields)  # fmt: skip


class Ups(Finder):
    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        if path == "/security/v1/oauth/token":
            known = "Basic " + base64.b64encode(f"client:{self.key}".encode()).decode()
            if headers.get("authorization") != known or body != {"grant_type": "client_credentials"}:
                return 401, {"response": {"errors": [{"code": "10401", "message": "ClientId is Invalid"}]}}
            return 200, {"access_token": self.grant(), "token_type": "Bearer", "expires_in": "14399"}
        if not self.lets_in(headers.get("authorization", "").removeprefix("Bearer ")):
            return 401, {"response": {"errors": [{"code": "250002", "message": "Invalid Authentication"}]}}
        if path != "/api/locations/v3/search/availabilities/1":
            return 404, {"response": {"errors": [{"code": "404", "message": "No such resource"}]}}
        address = body["LocatorRequest"]["OriginAddress"]["AddressKeyFormat"]
        self.asked_for.append(address)
        if not self.found:
            return 400, {"response": {"errors": [{"code": "350207", "message": "No locations match"}]}}
        many = self.found[0] if len(self.found) == 1 else self.found
        return 200, {"LocatorResponse": {
            "Response": {"ResponseStatusCode": "1", "ResponseStatusDescription": "Success"},
            "SearchResults": {"DropLocation": many},
        }}  # fmt: skip

    def put(self, ref: str, miles: str, **fields: Any) -> None:
        days: list[dict[str, Any]] = [{"Day": "1", "ClosedIndicator": ""}]
        days += [{"Day": str(n), "OpenHours": "900", "CloseHours": "2000"} for n in range(2, 7)]
        days.append({"Day": "7", "OpenHours": ["900", "1400"], "CloseHours": ["1200", "1700"]})
        self.found.append({
            "LocationID": ref, "Geocode": {"Latitude": "53.79", "Longitude": "-1.54"},
            "AddressKeyFormat": {"ConsigneeName": f"CORNER SHOP {ref}", "AddressLine": "2 HEADROW&#xD;REAR",
                                 "PoliticalDivision2": "LEEDS", "PostcodePrimaryLow": "LS1 6PU", "CountryCode": "GB"},
            "LocationAttribute": {"OptionType": {"Code": "01"},
                                  "OptionCode": {"Code": "018", "Description": "UPS Access Point"}},
            "Distance": {"Value": miles, "UnitOfMeasurement": {"Code": "MI", "Description": "MILES"}},
            "LatestGroundDropOffTime": "Mon-Fri: 5:30pm",
            "OperatingHours": {"StandardHours": [{"HoursType": "11", "DayOfWeek": days[:1]},
                                                 {"HoursType": "10", "DayOfWeek": days}]},
            "AccessPointInformation": {"PublicAccessPointID": f"U{ref}"},
        } | fields)  # fmt: skip


class Nearby:
    """Both at one address, with three places in whatever town is asked about: for the demo."""

    def __init__(self, key: str):
        self.dhl, self.ups = Dhl(key), Ups(key)
        self.faults: Counter[str] = Counter()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Told:
        if path.startswith("/find-by-"):
            self._dhl(query)
            return self.dhl.answer(method, path, query, body, headers)
        if path.startswith("/api/locations/"):
            self._ups(body["LocatorRequest"]["OriginAddress"]["AddressKeyFormat"])
        return self.ups.answer(method, path, query, body, headers)

    def _dhl(self, query: dict[str, str]) -> None:
        town = query.get("addressLocality") or "Town centre"
        where = {"countryCode": query.get("countryCode", ""), "postalCode": query.get("postalCode", ""),
                 "addressLocality": town}  # fmt: skip
        self.dhl.found.clear()
        shops = (
            ("8014", 340, "Newsagent and post counter", "12 High Street", "servicepoint", "parcel:drop-off"),
            ("3301", 910, "Locker at the station", "Station Approach", "locker", "parcel:drop-off-unregistered"),
        )
        for ref, metres, name, street, kind, service in shops:
            self.dhl.put(
                ref, metres, service, name=name, location={"ids": [{"locationId": ref}], "type": kind},
                place={"address": {**where, "streetAddress": street}, "geo": {}},
            )  # fmt: skip

    def _ups(self, asked: dict[str, str]) -> None:
        self.ups.found.clear()
        self.ups.put("7742", "0.4", AddressKeyFormat={
            "ConsigneeName": "Corner Shop", "AddressLine": "3 Market Place", **{
                name: asked.get(name, "") for name in ("PoliticalDivision2", "PostcodePrimaryLow", "CountryCode")
            },
        })  # fmt: skip


class Server(LocalServer):
    def __init__(self, shop: Finder | Nearby, port: int = 0):
        super().__init__(Handler, port, shop=shop)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Places to hand a parcel in, as DHL and UPS find them.")
    parser.add_argument("--port", type=int, required=True)
    Server(Nearby(os.environ["PLACES_KEY"]), parser.parse_args(arguments).port).http.serve_forever()


if __name__ == "__main__":
    main()
