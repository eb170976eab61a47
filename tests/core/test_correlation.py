from __future__ import annotations

import contextvars
import logging

import pytest
from django.test import Client

from core import correlation, logs, outbox
from core.models import Event


def test_a_callers_id_comes_back_and_marks_the_log(caplog):
    caplog.set_level(logging.INFO, "core.request")

    response = Client().get("/nowhere?email=a@b.example", headers={"X-Correlation-ID": "cause-42"})

    assert response["X-Correlation-ID"] == "cause-42"
    line = next(r for r in caplog.records if r.name == "core.request")
    assert (line.path, line.status) == ("/nowhere", response.status_code)
    assert "a@b.example" not in str(line.__dict__)


@pytest.mark.parametrize("offered", ["", "x" * 65, "a b", "<script>", "a\nb", "é"])
def test_an_id_that_could_spoil_a_log_is_replaced(offered):
    assert correlation.accept(offered) != offered
    assert len(correlation.accept(offered)) == 32


def test_requests_do_not_share_an_id():
    before = correlation.known()

    first, second = Client().get("/livez"), Client().get("/livez")

    assert len({first["X-Correlation-ID"], second["X-Correlation-ID"], before}) == 3
    assert correlation.known() == before


@pytest.mark.django_db
def test_a_handler_works_under_the_id_of_its_cause(wired, happen):
    seen = []
    wired(handler=lambda fact: seen.append(correlation.current()))
    with correlation.using("cause-1"):
        first = happen("1")
    with correlation.using("cause-2"):
        happen("2")

    outbox.drain()

    assert seen == ["cause-1", "cause-2"]
    assert correlation.known() not in seen
    assert Event.objects.get(pk=first).correlation_id == "cause-1"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("password", "hunter2", logs.HIDDEN),
        ("Authorization", "Bearer abcdefghijkl", logs.HIDDEN),
        ("x_shopify_hmac_sha256", "AAAA", logs.HIDDEN),
        ("event", "sent Bearer abcdefgh12345678 away", f"sent Bearer {logs.HIDDEN} away"),
        ("event", "key br_0a1b2c3d4e_SECRETsecret-secret used", f"key br_0a1b2c3d4e_{logs.HIDDEN} used"),
        ("url", "postgresql://me:pa55@host/db", f"postgresql://me:{logs.HIDDEN}@host/db"),
        ("headers", {"Cookie": "session=1", "Accept": "*/*"}, {"Cookie": logs.HIDDEN, "Accept": "*/*"}),
        ("order", "#1001", "#1001"),
        ("count", 3, 3),
    ],
)
def test_no_log_line_tells_a_secret(name, value, shown):
    assert logs.hide_secrets(None, "info", {name: value}) == {name: shown}


def test_a_log_line_carries_its_cause():
    with correlation.using("cause-9"):
        assert logs.add_correlation(None, "info", {"event": "x"})["correlation_id"] == "cause-9"
    assert contextvars.Context().run(logs.add_correlation, None, "info", {"event": "x"}) == {"event": "x"}
