"""One article, one SKU, however it is spelled."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from core.errors import Invalid
from inventory import skus
from inventory.models import Item
from tests.factories.inventory import ItemAliasFactory, ItemFactory

TEN_CYRILLIC = "СОАТ-10"  # every letter Cyrillic


def test_full_width_letters_and_stray_spaces_are_folded():
    assert skus.clean("  ＡＢＣ－１２ \u00a0X ") == "ABC-12 X"


@pytest.mark.parametrize("sku", ["", "   ", "x" * 101, "AB\u200bC", "AB\0C", "АBC"])
def test_a_sku_that_could_hide_another_is_invalid(sku):
    with pytest.raises(Invalid):
        skus.clean(sku)


@pytest.mark.django_db
def test_the_database_refuses_a_look_alike_and_an_unnormalised_sku():
    ItemFactory(sku="COAT-10")

    for sku in (TEN_CYRILLIC, "ＣＯＡＴ", " COAT"):
        with pytest.raises(IntegrityError), transaction.atomic():
            ItemFactory(sku=sku)
    assert Item.objects.count() == 1


@pytest.mark.django_db
def test_codes_resolve_by_alias_first_then_by_sku(django_assert_max_num_queries):
    coat, hat = ItemFactory(sku="COAT-10"), ItemFactory(sku="HAT-1")
    ItemAliasFactory(system="webshop", code="4711", item=coat)
    ItemAliasFactory(system="webshop", code="HAT-1", item=coat)
    ItemAliasFactory(system="till", code="99", item=hat)

    with django_assert_max_num_queries(2):
        found = Item.objects.resolve(["4711", "ＣＯＡＴ-10", "HAT-1", "99", "", "no\0", TEN_CYRILLIC], system="webshop")

    assert found == {"4711": coat.pk, "ＣＯＡＴ-10": coat.pk, "HAT-1": coat.pk}
    assert Item.objects.resolve(["HAT-1"]) == {"HAT-1": hat.pk}
