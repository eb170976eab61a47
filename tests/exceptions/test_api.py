"""Cases over HTTP: what a key sees, and what it may do to them."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from core import actors
from core.models import Event, Site
from exceptions.models import Case, CaseNote
from exceptions.services import cases
from integrations.models import ApiClient

pytestmark = pytest.mark.django_db
SCOPES = ["cases:read", "cases:work", "cases:waive"]


class Api:
    """Calls the API the way a retailer's own tool does."""

    def __init__(self, client, *scopes, sites=(), queues=()):
        self.client = client
        self.key, secret = ApiClient.issue("Desk", scopes=list(scopes or SCOPES), queues=queues)
        self.key.sites.set(sites)
        self.headers = {"Authorization": f"Bearer {secret}"}

    def get(self, path, query=None, **headers):
        return self.client.get(f"/api/v1/{path}", query or {}, headers=self.headers | headers)

    def post(self, path, data=None, **headers):
        sent = self.headers | {"Idempotency-Key": headers.pop("key", uuid4().hex)} | headers
        body = json.dumps({} if data is None else data)
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json", headers=sent)


@pytest.fixture
def api(client):
    return Api(client)


def numbers(answer):
    assert answer.status_code == 200, answer.content
    return [row["number"] for row in answer.json()["items"]]


def test_cases_are_listed_nearest_their_time_first_page_by_page(api, open_case, site):
    found = [open_case(site_id=site.pk) for _ in range(3)]

    first = api.get("cases", {"page_size": 2})
    rest = api.get("cases", {"page_size": 2, "after": first.json()["next"]})

    assert numbers(first) + numbers(rest) == [case.number for case in found]
    row = first.json()["items"][0]
    assert (row["site"], row["queue"], row["severity"], row["value"]) == ("LDS", "orders", "normal", "412.0000")
    assert row["subject"]["label"].startswith("PR-p")


def test_the_filters_are_the_screens(api, open_case, person):
    amira = person()
    mine, free, over = open_case(), open_case(), open_case(true=False)
    cases.claim(mine.pk, actor=actors.person(amira))
    cases.resolve(over.pk, actor=actors.person(amira))

    assert numbers(api.get("cases", {"owner": amira.email.upper()})) == [mine.number]
    assert numbers(api.get("cases", {"owner": "none"})) == [free.number]
    assert numbers(api.get("cases", {"status": "RESOLVED"})) == [over.number]
    assert numbers(api.get("cases", {"q": free.number})) == [free.number]
    assert set(numbers(api.get("cases", {"reason": "tests.probe"}))) == {mine.number, free.number}


@pytest.mark.parametrize(
    "query",
    [
        {"colour": "red"}, {"status": "LOST"}, {"owner": "me"}, {"owner": "9" * 40}, {"sort": "luck"}, {"after": "%%"},
        {"page_size": "0"}, {"severity": "9"}, {"site": "MARS"},
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_400(api, query):
    assert api.get("cases", query).status_code == 400


def test_a_key_sees_cases_of_its_sites_and_queues_alone(client, open_case, site):
    other = Site.objects.create(code="YRK", name="York")
    here, there = open_case(site_id=site.pk), open_case(site_id=other.pk)
    head_office = open_case(reason="tests.flat", true=False)
    leeds = Api(client, sites=[site])
    orders = Api(client, queues=["orders"])

    assert numbers(leeds.get("cases")) == [here.number]
    assert set(numbers(orders.get("cases"))) == {here.number, there.number}
    for hidden in (there, head_office):
        assert leeds.get(f"cases/{hidden.number}").status_code == 404
        assert leeds.post(f"cases/{hidden.number}/acknowledge").status_code == 404
        assert leeds.post(f"cases/{here.number}/resolve", {"duplicate_of": hidden.number}).status_code == 404
    assert [row["code"] for row in orders.get("queues").json()["items"]] == ["orders"]
    assert all(row["queue"] == "orders" for row in orders.get("reasons").json()["items"])
    assert not Case.objects.exclude(acknowledged_at=None).exists()


def test_one_case_shows_its_proof_its_clocks_and_what_can_be_done(api, open_case, site):
    case = open_case(site_id=site.pk)

    answer = api.get(f"cases/{case.number}")

    read = answer.json()
    assert answer.headers["ETag"] == '"v1"'
    (table,) = read["evidence"]
    assert table["columns"][1] == {"title": "Reads", "numeric": True}
    assert table["rows"][0]["hot"] is True
    assert table["rows"][0]["cells"][1]["text"] == "40"
    assert read["still_true"] is True
    assert {clock["clock"] for clock in read["clocks"]} == {"acknowledge", "resolve"}
    (action,) = read["actions"]
    assert (action["code"], action["scope"], action["allowed"], action["previews"]) == (
        "cool",
        "cases:work",
        True,
        True,
    )
    assert [entry["type"] for entry in read["timeline"]] == ["case.opened"]


def test_a_program_claims_for_a_person_and_the_timeline_says_which(api, open_case, person):
    case, amira, ben = open_case(), person("Amira Khan"), person("Ben Oyelaran")

    taken = api.post(f"cases/{case.number}/claim", {"person": amira.email})
    again = api.post(f"cases/{case.number}/claim", {"person": amira.email})
    refused = api.post(f"cases/{case.number}/claim", {"person": ben.email})
    given = api.post(f"cases/{case.number}/assign", {"person": ben.email})
    back = api.post(f"cases/{case.number}/release")

    assert taken.json()["owner"] == {"name": "Amira Khan", "email": amira.email}
    assert again.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (409, "already_claimed")
    assert refused.json()["facts"]["owner"] == "Amira Khan"
    assert given.json()["owner"]["email"] == ben.email
    assert back.json()["owner"] is None
    facts = api.get(f"cases/{case.number}/timeline").json()["items"]
    assert [fact["by"]["label"] for fact in facts[:3]] == ["Desk"] * 3
    assert facts[0]["type"] == "case.released"


def test_a_person_who_may_not_see_it_or_is_unknown_gets_no_case(api, open_case, person, site):
    other = Site.objects.create(code="YRK", name="York")
    case, york = open_case(site_id=site.pk), person("Zoe Marsh", other)

    assert api.post(f"cases/{case.number}/assign", {"person": york.email}).json()["code"] == "cannot_see_it"
    assert api.post(f"cases/{case.number}/claim", {"person": "no@body.example"}).status_code == 422
    assert Case.objects.get().owner is None


def test_a_case_waits_and_goes_on(api, open_case):
    case = open_case()

    waits = api.post(f"cases/{case.number}/wait", {"on": "carrier", "until": "2099-01-01T00:00:00Z", "note": "4471"})
    twice = api.post(f"cases/{case.number}/wait", {"on": "carrier"})
    on = api.post(f"cases/{case.number}/resume")

    assert (waits.json()["status"], waits.json()["waiting_on"]) == ("WAITING", "carrier")
    assert (twice.status_code, twice.json()["facts"]["waiting_on"]) == (409, "carrier")
    assert on.json()["status"] == "OPEN"


def test_nothing_resolves_while_it_is_true_but_a_waiver_with_its_own_scope(client, api, open_case):
    case = open_case()
    worker = Api(client, "cases:read", "cases:work")

    refused = worker.post(f"cases/{case.number}/resolve", {"note": "Looks fine"})
    may_not = worker.post(f"cases/{case.number}/waive", {"reason": "Agreed with the shop"})
    assert (refused.status_code, refused.json()["code"]) == (409, "still_true")
    assert may_not.status_code == 403
    assert Case.objects.get().status == "OPEN"

    waived = api.post(f"cases/{case.number}/waive", {"reason": "Agreed with the shop"})
    again = api.post(f"cases/{case.number}/reopen", {"note": "It is back"})

    assert (waived.json()["outcome"], waived.json()["outcome_note"]) == ("waived", "Agreed with the shop")
    assert again.json()["status"] == "OPEN"


def test_an_action_is_previewed_run_and_clears_its_case(api, open_case):
    case = open_case()

    seen = api.get(f"cases/{case.number}/actions/cool/preview").json()
    done = api.post(f"cases/{case.number}/actions/cool", {"version": seen["version"]})
    too_late = api.post(f"cases/{case.number}/actions/cool")

    assert seen["would"] == [{"name": "Vent", "value": f"open at probe {case.subject_uid}"}]
    assert (done.json()["said"], done.json()["case"]["outcome"]) == ("Put right.", "cleared")
    assert done.headers["ETag"] == f'"v{done.json()["case"]["version"]}"'
    assert too_late.status_code == 409
    assert api.post(f"cases/{case.number}/actions/freeze").status_code == 404


def test_a_stale_version_changes_nothing_and_says_what_it_is_now(api, open_case, person):
    case, amira = open_case(), person()
    cases.claim(case.pk, actor=actors.person(amira))

    by_body = api.post(f"cases/{case.number}/release", {"version": 1})
    by_header = api.post(f"cases/{case.number}/release", {}, **{"If-Match": '"v1"'})

    for answer, status in ((by_body, 409), (by_header, 412)):
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert (answer.json()["facts"]["owner"], answer.json()["facts"]["version"]) == ("Amira Khan", 2)
    assert Case.objects.get().owner == amira
    assert api.post(f"cases/{case.number}/release", {}, **{"If-Match": '"v2"'}).status_code == 200


def test_the_same_call_twice_has_one_effect_and_one_answer(api, open_case):
    case = open_case()

    first = api.post(f"cases/{case.number}/notes", {"text": "Rang the shop"}, key="once")
    again = api.post(f"cases/{case.number}/notes", {"text": "Rang the shop"}, key="once")
    other = api.post(f"cases/{case.number}/notes", {"text": "Something else"}, key="once")

    assert first.status_code == again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 422
    assert CaseNote.objects.count() == 1
    assert [note["text"] for note in api.get(f"cases/{case.number}/notes").json()["items"]] == ["Rang the shop"]


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("wait", {}, 400), ("wait", {"on": "weather"}, 400), ("wait", {"on": "carrier", "until": "tomorrow"}, 400),
        ("wait", {"on": "carrier", "until": "9999-12-31T23:59:59-12:00"}, 400),
        ("wait", {"on": "carrier", "until": "2001-01-01T00:00:00Z"}, 400), ("claim", {}, 400),
        ("claim", {"person": "nobody"}, 400), ("claim", {"person": "a\0b@c"}, 400), ("notes", {"text": ""}, 400),
        ("notes", {"text": "x" * 4_001}, 400), ("notes", {"text": "   "}, 422), ("release", {"version": True}, 400),
        ("release", {"version": 2**70}, 400), ("release", {"colour": "red"}, 400), ("release", [1], 400),
        ("resolve", {"outcome": "waived"}, 400), ("resolve", {"duplicate_of": "EX-٣"}, 400), ("waive", {"reason": "x"}, 422),
        ("reopen", {}, 409),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_changes_nothing(api, open_case, verb, body, status):
    case = open_case()

    answer = api.post(f"cases/{case.number}/{verb}", body)

    assert answer.status_code == status, answer.content
    case.refresh_from_db()
    assert (case.version, case.status, Event.objects.count()) == (1, "OPEN", 1)


@pytest.mark.parametrize("number", ["EX-999999", "EX-" + "9" * 30, "nonsense", "EX--1", "٣"])
def test_a_case_that_is_not_there_is_404(api, number):
    assert api.get(f"cases/{number}").status_code == 404


def test_without_the_scope_nothing_is_read_or_changed(client, open_case):
    case = open_case()
    reader, orders = Api(client, "cases:read"), Api(client, "orders:read")

    assert reader.post(f"cases/{case.number}/acknowledge").status_code == 403
    assert orders.get("cases").status_code == 403
    assert client.get("/api/v1/cases").status_code == 401
    assert Case.objects.get().acknowledged_at is None


def test_lists_and_one_case_take_a_fixed_number_of_queries(query_count, api, open_case, site):
    case = open_case(site_id=site.pk)
    with query_count("api-cases", lambda: api.get("cases")), query_count("api-reasons", lambda: api.get("reasons")):
        for _ in range(5):
            open_case(site_id=site.pk)
    with query_count("api-case", lambda: api.get(f"cases/{case.number}")):
        for n in range(3):
            cases.note(case.pk, text=f"Note {n}", actor=actors.SYSTEM)
