"""The screens of settlements over HTTP, as finance people use them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from config import roles
from core.models import User
from finance.models import BankLine, Match, Settlement, SettlementFile, SettlementLine
from tests.finance import settling
from tests.finance.settling import ADYEN_ROWS, adyen, settled

pytestmark = pytest.mark.django_db

CAMT = b"""<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt>
<Id>S1</Id><Acct><Id><IBAN>NL91ABNA0417164300</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-07</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">159.15</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-01-08</Dt></Dt></Bal>
<Ntry><Amt Ccy="EUR">149.15</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-01-08</Dt></BookgDt>
<NtryDtls><TxDtls><Refs><EndToEndId>TX1XT</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>Adyen N.V.</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>TX1XT batch 7, Shop</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry></Stmt></BkToCstmrStmt></Document>"""


@pytest.fixture
def person(client):
    user = User.objects.create_user("fin@example.com", None, name="Fin")
    group = Group.objects.create(name="Money")
    wanted = [name.split(".") for name in roles.ROLES["Finance"]]
    group.permissions.set(Permission.objects.filter(codename__in=[name for _, name in wanted]))
    user.groups.add(group)
    client.force_login(user)
    return user


def test_a_file_is_shown_before_it_is_taken_and_then_explained(client, person):
    settling.adyen_orders()
    upload = SimpleUploadedFile("batch.csv", adyen())

    told = client.post(reverse("finance:settlement_new"), {"provider": "adyen", "file": upload})
    page = client.get(told["Location"])
    assert "149.15" in page.text or "€149.15" in page.text
    assert Settlement.objects.count() == 0

    file = SettlementFile.objects.get()
    client.post(reverse("finance:settlement_take", args=[file.pk]))

    found = Settlement.objects.get()
    page = client.get(reverse("finance:settlement", args=[found.pk]))
    assert (page.status_code, found.residual) == (200, 0)
    assert "From orders to bank" in page.text
    assert client.get(reverse("finance:settlements")).status_code == 200
    assert client.get(reverse("finance:settlement_file", args=[file.pk])).status_code == 200
    assert b"8816098341845641" in b"".join(client.get(reverse("finance:settlement_export", args=[found.pk])))
    assert client.get(reverse("finance:fees"), {"from": "2026-01-01", "to": "2026-01-31"}).text.count("visa") == 1


def test_a_person_splits_writes_off_undoes_and_is_refused_what_is_not_there(client, person):
    first, second = settling.paid("p1", "60.00"), settling.paid("p2", "39.00")
    (found,) = settled("adyen", adyen(ADYEN_ROWS[0]))
    line = SettlementLine.objects.get()
    at = {
        name: reverse(f"finance:{name}", args=[found.pk, line.pk])
        for name in ("settlement_line", "settlement_pair", "write_off")
    }

    assert first.number in client.get(at["settlement_line"], {"q": first.number}).text
    assert client.post(at["settlement_pair"], {"payment": second.payments.get().pk}).status_code == 404
    for order in (first, second):
        client.post(at["settlement_pair"], {"payment": order.payments.get().pk, "q": order.number})
    refused = client.post(at["write_off"], {"amount": "99", "why": "no"})
    client.post(at["write_off"], {"amount": "1.00", "why": "A coin"})

    line.refresh_from_db()
    assert (refused.status_code, line.taken) == (422, Decimal(100))
    client.post(reverse("finance:match_undo", args=[found.pk, Match.objects.earliest("pk").pk]))
    line.refresh_from_db()
    assert line.taken == 40


def test_a_label_is_explained_after_a_preview(client, person):
    rows = (*ADYEN_ROWS[:4], ADYEN_ROWS[4].replace("Fee,", "PlatformFee,"), ADYEN_ROWS[5])
    settling.adyen_orders()
    (found,) = settled("adyen", adyen(*rows))
    said = {"provider": "adyen", "label": "PlatformFee", "kind": "fee"}

    assert "PlatformFee" in client.get(reverse("finance:labels"), {"provider": "adyen"}).text
    assert "1 lines in EUR" in client.post(reverse("finance:label_preview"), said).text
    assert SettlementLine.objects.filter(kind="").count() == 1
    client.post(reverse("finance:label_say"), said)

    found.refresh_from_db()
    assert found.residual == 0


def test_a_statement_finds_its_payout_and_a_person_may_take_it_off(client, person):
    settling.adyen_orders()
    (found,) = settled("adyen", adyen())

    read = {"file": SimpleUploadedFile("s.xml", CAMT), "take": ""}
    assert "NL91ABNA0417164300" in client.post(reverse("finance:bank_preview"), read).text
    assert BankLine.objects.count() == 0
    for _ in range(2):
        client.post(reverse("finance:bank_preview"), {"file": SimpleUploadedFile("s.xml", CAMT), "take": "1"})

    line = BankLine.objects.get()
    found.refresh_from_db()
    assert (line.status, line.settlement, found.banked) == ("CONFIRMED", found, Decimal("149.15"))
    assert "Adyen N.V." in client.get(reverse("finance:bank")).text
    client.post(reverse("finance:bank_detach", args=[line.pk]))
    found.refresh_from_db()
    assert found.banked == 0
    client.post(reverse("finance:bank_attach", args=[line.pk]), {"ref": "7"})
    found.refresh_from_db()
    assert found.banked == Decimal("149.15")


def test_no_screen_of_settlements_asks_more_of_the_books_as_they_grow(client, person, query_count):
    settling.adyen_orders()
    (found,) = settled("adyen", adyen(*ADYEN_ROWS[:4], ADYEN_ROWS[4].replace("Fee,", "PlatformFee,"), ADYEN_ROWS[5]))
    client.post(reverse("finance:bank_preview"), {"file": SimpleUploadedFile("s.xml", CAMT), "take": "1"})
    days = {"from": "2026-01-01", "to": "2026-01-31"}

    with (
        query_count("settlements-list", lambda: client.get(reverse("finance:settlements"))),
        query_count("settlement-workbench", lambda: client.get(reverse("finance:settlement", args=[found.pk]))),
        query_count("labels-list", lambda: client.get(reverse("finance:labels"), {"provider": "adyen"})),
        query_count("bank-list", lambda: client.get(reverse("finance:bank"))),
        query_count("fees-list", lambda: client.get(reverse("finance:fees"), days)),
    ):
        settled("shopify", settling.shopify())
        SettlementLine.objects.bulk_create(
            SettlementLine(
                settlement=found, position=100 + n, label=f"What {n}", kind="", gross=1, net=1, method=f"card {n}",
                payment_ref=f"none-{n}", at=found.starts_at,
            )
            for n in range(5)
        )  # fmt: skip
        known = BankLine.objects.get()
        BankLine.objects.bulk_create(
            BankLine(
                statement=known.statement, position=100 + n, key=f"more-{n}", booked_on=known.booked_on, amount=n,
                currency="EUR",
            )
            for n in range(5)
        )  # fmt: skip
