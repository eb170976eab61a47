"""The frame around every endpoint: keys, scopes, bodies, errors, repeats, pages, versions."""

from __future__ import annotations

import gzip
import json
import threading
from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from core import idempotency
from core.api.lifecycle import deprecated
from core.models import IdempotencyKey, Site
from tests.core import api_urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.api_urls")]


@pytest.fixture(autouse=True)
def _no_calls_yet():
    api_urls.calls.clear()


def call(method: str, path: str = "/things/", *, key: str = "right", body=None, **headers):
    made = {"HTTP_" + name.upper(): value for name, value in headers.items()}
    if key:
        made["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    return Client(raise_request_exception=False).generic(method, path, data, "application/json", **made)


def post(body, *, idem="k-1", **more):
    return call("POST", body=body, idempotency_key=idem, **more)


# --- who may


@pytest.mark.parametrize("key", ["", "wrong", "x" * 500])
def test_without_a_good_key_nothing_happens(key):
    response = call("POST", key=key, body={"code": "a"}, idempotency_key="k")

    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response["Content-Type"] == "application/problem+json"
    assert not Site.objects.exists()


def test_a_key_without_the_scope_is_told_403():
    assert call("GET", key="reader").status_code == 200
    assert post({"code": "a"}, key="reader").status_code == 403
    assert not Site.objects.exists()


def test_a_method_without_a_scope_answers_nobody():
    assert call("DELETE").status_code == 403


def test_a_method_that_does_not_exist_is_405():
    response = call("PUT", "/things/a/")

    assert response.status_code in {403, 405}


def test_too_many_calls_are_429_with_a_wait(settings):
    statuses = [call("GET", key="slow") for _ in range(12)]

    refused = [r for r in statuses if r.status_code == 429]
    assert refused
    assert int(refused[0]["Retry-After"]) >= 1
    assert refused[0].json()["code"] == "rate_limited"


def test_every_answer_says_what_may_still_be_called():
    first, second = call("GET", key="slow"), call("GET", key="slow")

    assert first["RateLimit-Policy"] == '"key";q=6;w=60'
    assert (first["RateLimit"], second["RateLimit"]) == ('"key";r=1;t=10', '"key";r=0;t=20')
    assert "RateLimit" not in call("GET", key="nobody").headers


# --- how an endpoint ends


def test_an_endpoint_that_ends_says_so_in_every_answer():
    for answer in (call("GET", "/old-things/"), call("GET", "/old-things/?page_size=x")):
        assert answer["Deprecation"] == "@1767225600"
        assert answer["Sunset"] == "Fri, 01 Jan 2100 00:00:00 GMT"
        assert '</v2/things>; rel="successor-version"' in answer["Link"]
        assert '</docs/>; rel="deprecation"; type="text/html"' in answer["Link"]
    assert "Deprecation" not in call("GET").headers


def test_an_endpoint_that_has_ended_names_what_came_after():
    answer = call("GET", "/gone-things/")

    assert (answer.status_code, answer.json()["code"]) == (410, "gone")
    assert answer.json()["facts"]["successor"] == "/v2/things"
    assert answer["Sunset"]


def test_nobody_is_given_less_than_half_a_year():
    with pytest.raises(ValueError, match="half a year"):
        deprecated(since=date(2026, 1, 1), sunset=date(2026, 6, 1), successor="/v2/things")


# --- what they send


BAD_BODIES = {
    "not json": (b"{", 400),
    "nul escape": (b'{"code": "a\\u0000b"}', 400),
    "raw nul": (b'{"code": "a\x00b"}', 400),
    "lone surrogate": (b'{"code": "a\\ud800"}', 400),
    "surrogate in a key": (b'{"\\udfff": 1}', 400),
    "duplicate key": (b'{"code": "a", "code": "b"}', 400),
    "nan": (b'{"code": NaN}', 400),
    "infinity": (b'{"code": -Infinity}', 400),
    "huge exponent": (b'{"code": "a", "lines": [{"sku": "s", "quantity": 1e9999999}]}', 400),
    "5000 digits": (b'{"code": ' + b"9" * 5000 + b"}", 400),
    "2**70": (b'{"code": "a", "lines": [{"sku": "s", "quantity": 1180591620717411303424}]}', 400),
    "quantity 0": (b'{"code": "a", "lines": [{"sku": "s", "quantity": 0}]}', 400),
    "quantity true": (b'{"code": "a", "lines": [{"sku": "s", "quantity": true}]}', 400),
    "quantity text": (b'{"code": "a", "lines": [{"sku": "s", "quantity": "1e3"}]}', 400),
    "arabic digits": ('{"code": "a", "lines": [{"sku": "s", "quantity": "٣"}]}'.encode(), 400),
    "depth": (b"[" * 100_000 + b"]" * 100_000, 400),
    "shallow depth": (b'{"code": ' + b"[" * 60 + b"]" * 60 + b"}", 400),
    "not utf-8": (b'{"code": "\xff"}', 400),
    "byte order mark": (b'\xef\xbb\xbf{"code": "a"}', 400),
    "extra field": (b'{"code": "a", "role": "admin"}', 400),
    "wrong shape": (b"[]", 400),
    "empty": (b" ", 400),
    "too large": (b'{"code": "' + b"a" * 3_000_000 + b'"}', 413),
    "too many lines": (json.dumps({"code": "a", "lines": [{"sku": "s", "quantity": 1}] * 10_000}).encode(), 413),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_body_is_refused_and_changes_nothing(name):
    body, status = BAD_BODIES[name]

    response = post(body)

    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    assert not Site.objects.exists()
    assert not IdempotencyKey.objects.filter(status="IN_FLIGHT").exists()


def test_a_backslash_before_u0000_is_no_nul():
    response = post(b'{"code": "a\\\\u0000"}')

    assert response.status_code == 201
    assert Site.objects.get().code == "a\\u0000"


def test_every_broken_rule_is_named_with_its_path():
    body = {"code": "x" * 50, "lines": [{"sku": "s", "quantity": 1}, {"sku": 5, "quantity": -1, "status": "paid"}]}

    problem = post(body).json()

    assert {e["path"] for e in problem["errors"]} == {
        "code", "lines[1].sku", "lines[1].quantity", "lines[1].status"
    }  # fmt: skip
    assert problem["status"] == 400
    assert problem["code"] == "invalid"
    assert problem["correlation_id"]


def test_a_gzipped_body_is_read_and_a_bomb_is_not():
    good = gzip.compress(json.dumps({"code": "zipped"}).encode())
    bomb = gzip.compress(b'{"code": "' + b"a" * 50_000_000 + b'"}')

    assert post(good, content_encoding="gzip").status_code == 201
    assert post(bomb, idem="k-2", content_encoding="gzip").status_code == 413
    assert post(good[:20], idem="k-3", content_encoding="gzip").status_code == 400
    assert post(good, idem="k-4", content_encoding="br").status_code == 415


def test_a_body_of_another_type_is_415():
    response = Client().post("/things/", {"code": "a"}, HTTP_AUTHORIZATION="Bearer right", HTTP_IDEMPOTENCY_KEY="k")

    assert response.status_code == 415


# --- what goes wrong


def test_a_refusal_is_a_problem_with_its_facts():
    response = post({"code": "refused"})

    assert response.status_code == 409
    assert response.json()["code"] == "no_such_luck"
    assert response.json()["facts"] == {"because": "rain"}
    assert not Site.objects.exists()


def test_a_bug_says_nothing_of_itself_and_frees_the_key():
    response = post({"code": "broken"})

    assert response.status_code == 500
    assert b"secret" not in response.content
    assert not Site.objects.exists()
    assert not IdempotencyKey.objects.exists()


def test_a_lost_database_is_503_without_its_address():
    response = post({"code": "gone"})

    assert response.status_code == 503
    assert response["Retry-After"]
    assert b"10.0.0.1" not in response.content
    assert not IdempotencyKey.objects.exists()


def test_what_is_not_there_is_404():
    assert call("GET", "/things/none/").json()["code"] == "not_found"


# --- doing it twice


def test_the_same_call_again_gets_the_same_answer():
    first = post({"code": "a", "lines": []})
    again = post(b'{ "lines": [], "code": "a" }')

    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again["Location"] == first["Location"]
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert api_urls.calls == ["a"]


def test_a_refusal_is_replayed_too():
    first, again = post({"code": "refused"}), post({"code": "refused"})

    assert first.status_code == again.status_code == 409
    assert again["Content-Type"] == "application/problem+json"
    assert api_urls.calls == ["refused"]


def test_a_key_used_for_another_body_is_422():
    post({"code": "a"})

    response = post({"code": "b"})

    assert response.status_code == 422
    assert Site.objects.count() == 1


def test_two_clients_may_choose_the_same_key():
    assert post({"code": "a"}).status_code == 201
    assert post({"code": "b"}, key="second").status_code == 201


@pytest.mark.parametrize("idem", ["", "x" * 256, "ké", "a\tb"])
def test_a_key_that_is_none_is_400(idem):
    assert post({"code": "a"}, idem=idem).status_code == 400
    assert not Site.objects.exists()


def test_a_call_without_its_key_is_400():
    assert call("POST", body={"code": "a"}).status_code == 400


def test_an_invalid_body_does_not_use_the_key_up():
    assert post({"code": "x" * 50}).status_code == 400
    assert post({"code": "fine"}).status_code == 201


def test_a_call_in_flight_is_409_with_a_wait():
    post({"code": "a"})
    IdempotencyKey.objects.update(status="IN_FLIGHT", locked_until=timezone.now() + timezone.timedelta(seconds=30))

    response = post({"code": "a"})

    assert response.status_code == 409
    assert 25 <= int(response["Retry-After"]) <= 35
    assert api_urls.calls == ["a"]


def test_an_expired_lock_is_taken_over_and_the_old_holder_cannot_write():
    names = ("CLIENT:1", "POST things/", "k-1")
    old = idempotency.claim(*names, b"f" * 32)
    IdempotencyKey.objects.update(locked_until=timezone.now() - timezone.timedelta(seconds=1))

    new = idempotency.claim(*names, b"f" * 32)

    assert new.token not in {None, old.token}
    with pytest.raises(idempotency.LockLost):
        idempotency.done(*names, old.token, idempotency.Answer(201, b"old"))
    idempotency.done(*names, new.token, idempotency.Answer(201, b"new"))
    assert idempotency.claim(*names, b"f" * 32).answer.body == b"new"


def test_keys_are_dropped_after_48_hours():
    post({"code": "a"})
    post({"code": "b"}, idem="k-2")
    IdempotencyKey.objects.filter(key="k-1").update(created_at=timezone.now() - timezone.timedelta(hours=49))

    assert idempotency.purge() == 1
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["k-2"]


@pytest.mark.django_db(transaction=True)
def test_of_many_calls_at_once_with_one_key_one_has_the_effect():
    answers = []

    def one():
        try:
            answers.append(post({"code": "a"}).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert api_urls.calls == ["a"]
    assert Site.objects.count() == 1
    assert set(answers) <= {201, 409}
    assert 201 in answers


# --- lists and versions


def test_pages_follow_each_other_by_cursor():
    Site.objects.bulk_create(Site(code=f"s{n:03}", name="s") for n in range(7))

    seen, url, hops = [], "/things/?page_size=3", 0
    while url:
        response = call("GET", url)
        seen += [item["code"] for item in response.json()["items"]]
        cursor = response.json()["next"]
        assert ('rel="next"' in response.get("Link", "")) == bool(cursor)
        url = f"/things/?page_size=3&after={cursor}" if cursor else ""
        hops += 1

    assert seen == [f"s{n:03}" for n in range(7)]
    assert hops == 3


@pytest.mark.parametrize(
    "query", ["after=broken", "after=%00", "page_size=0", "page_size=-1", "page_size=x", "page_size=٣"]
)
def test_a_broken_page_is_400(query):
    assert call("GET", f"/things/?{query}").status_code == 400


def test_a_page_is_capped():
    Site.objects.bulk_create(Site(code=f"s{n:03}", name="s") for n in range(230))

    assert len(call("GET", "/things/?page_size=1000000000").json()["items"]) == 200


def test_a_change_needs_the_version_it_was_based_on():
    Site.objects.create(code="a", name="a")

    assert call("GET", "/things/a/")["ETag"] == '"v3"'
    assert call("GET", "/things/a/", if_none_match='"v3"').status_code == 304
    assert call("PATCH", "/things/a/").status_code == 428
    stale = call("PATCH", "/things/a/", if_match='"v2"')
    assert (stale.status_code, stale.json()["facts"]["etag"]) == (412, '"v3"')
    assert call("PATCH", "/things/a/", if_match='"v3"').status_code == 200
