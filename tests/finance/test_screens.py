"""The postings' screens, as a person meets them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission

from core import actors
from core.models import User
from finance.models import Posting, Status
from finance.services import postings
from tests.factories.inventory import SiteFactory
from tests.finance import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(client):
    """A signed-in person who may see postings and send them again."""
    user = User.objects.create_user("helen@example.com", name="Helen Reid")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_posting", "retry_posting", "view_order"]))
    client.force_login(user)
    return user


def prepared(**more):
    return Posting.objects.get(pk=postings.prepare(making.order({"price": "12.50"}, **more).pk))


def rejected(**more):
    posting = prepared(**more)
    held = postings.claim(posting.pk, connection_uid="c", connection_name="Tryton", seconds=30)
    postings.rejected(
        held,
        reason="Tryton has no product with the code TEE-NVY-M.",
        failure_class="missing_reference",
        answer={"skus": ["TEE-NVY-M"]},
        actor=actors.SYSTEM,
    )
    posting.refresh_from_db()
    return posting


def posted(number="S7", total="12.50", **more):
    posting = prepared(**more)
    held = postings.claim(posting.pk, connection_uid="c", connection_name="Tryton", seconds=30)
    postings.confirmed(held, number=number, erp_id="7", total=Decimal(total), answer={}, actor=actors.SYSTEM)
    posting.refresh_from_db()
    return posting


def shown(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


def test_the_list_takes_a_fixed_number_of_queries(client, finance, query_count):
    rejected()
    with query_count("postings-list", lambda: client.get("/finance/postings/")):
        for _ in range(4):
            posted(number=f"S{Posting.objects.count()}")


def test_a_posting_takes_a_fixed_number_of_queries(client, finance, query_count):
    posting = rejected()
    query_count("posting-detail", lambda: client.get(f"/finance/postings/{posting.pk}"))


def test_the_address_says_what_the_list_shows(client, finance):
    waiting, refused, done = prepared(), rejected(), posted(number="S-77")

    page = shown(client, "/finance/postings/?status=REJECTED")
    assert refused.reference in page
    assert waiting.reference not in page
    assert done.reference not in page
    assert refused.reference not in shown(client, "/finance/postings/?status=POSTED&status=PENDING")
    assert done.reference in shown(client, "/finance/postings/?q=S-77")
    assert done.reference not in shown(client, "/finance/postings/?differs=true")
    assert "No postings match" in shown(client, "/finance/postings/?q=nothing")


def test_a_download_holds_what_the_list_shows(client, finance):
    refused, done = rejected(), posted(number="S-77")

    said = b"".join(client.get("/finance/postings/export.csv?status=POSTED").streaming_content).decode()

    assert done.reference in said
    assert "S-77" in said
    assert refused.reference not in said


def test_a_filter_that_makes_no_sense_is_refused(client, finance):
    assert client.get("/finance/postings/?status=LOST").status_code == 400
    assert client.get("/finance/postings/?after=rubbish").status_code == 400


def test_a_total_the_erp_sees_differently_is_found(client, finance):
    posting = posted(total="12.49")

    assert posting.reference in shown(client, "/finance/postings/?differs=true")
    assert "Totals differ" in shown(client, f"/finance/postings/{posting.pk}")


def test_a_rejected_posting_shows_why_and_is_sent_again_from_its_page(client, finance):
    posting = rejected()
    page = shown(client, f"/finance/postings/{posting.pk}")
    assert "Tryton has no product with the code TEE-NVY-M." in page
    assert "At fault" in page

    answer = client.post(f"/finance/postings/{posting.pk}/retry", {"v": posting.version})

    assert answer.status_code == 303
    posting.refresh_from_db()
    assert posting.status == Status.PENDING
    assert client.post(f"/finance/postings/{posting.pk}/retry", {"v": posting.version}).status_code == 409


def test_an_old_page_sends_nothing(client, finance):
    posting = rejected()

    assert client.post(f"/finance/postings/{posting.pk}/retry", {"v": posting.version - 1}).status_code == 409
    assert client.post(f"/finance/postings/{posting.pk}/retry", {"v": "x"}).status_code == 400
    assert client.post(f"/finance/postings/{posting.pk}/retry").status_code == 400
    posting.refresh_from_db()
    assert posting.status == Status.REJECTED


def test_the_order_page_loads_its_postings(client, finance):
    posting = posted(number="S-9")

    panel = shown(client, f"/finance/orders/{posting.order.number}/panel")

    assert "S-9" in panel
    assert "<html" not in panel
    assert "Nothing went to the ERP" in shown(client, f"/finance/orders/{making.order().number}/panel")


def test_a_person_limited_to_a_site_sees_no_other_sites_postings(client, finance):
    finance.sites.add(SiteFactory())
    posting = rejected()

    assert posting.reference not in shown(client, "/finance/postings/")
    assert client.get(f"/finance/postings/{posting.pk}").status_code == 404
    assert client.get(f"/finance/orders/{posting.order.number}/panel").status_code == 404
    assert client.post(f"/finance/postings/{posting.pk}/retry", {"v": posting.version}).status_code == 404
    posting.refresh_from_db()
    assert posting.status == Status.REJECTED


def test_without_the_permission_there_is_no_page_and_no_retry(client, finance):
    finance.user_permissions.clear()
    posting = rejected()

    for path in ("/finance/postings/", f"/finance/postings/{posting.pk}"):
        assert client.get(path).status_code == 403
    assert client.post(f"/finance/postings/{posting.pk}/retry", {"v": posting.version}).status_code == 403
    posting.refresh_from_db()
    assert posting.status == Status.REJECTED


def test_a_posting_is_found_by_its_reference_and_by_the_erps_number(finance):
    from finance import finding

    posting = posted(number="4711")

    for text in (posting.reference, "4711"):
        assert [found.title for found in finding.search(finance, text, 5)] == [f"Posting {posting.reference}"]
    assert list(finding.search(finance, "no number at all", 5)) == []
