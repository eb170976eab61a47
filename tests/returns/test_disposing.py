"""What becomes of goods that came back, by rules alone."""

from __future__ import annotations

from decimal import Decimal

from returns import disposing
from returns.disposing import Rule, Unit

RULES = [
    Rule("RESTOCK", grade="A", number=1),
    Rule("OUTLET", grade="B", number=2),
    Rule("SCRAP", category="Hygiene", number=3),
    Rule("RESTOCK", category="Hygiene", grade="A", number=4),
    Rule("SCRAP", grade="D", below=Decimal(20), number=5),
    Rule("RETURN_TO_VENDOR", grade="D", number=6),
]


def chosen(category: str, grade: str, value: int | None = None) -> str:
    rule = disposing.choose(RULES, Unit(category, grade, None if value is None else Decimal(value)))
    return rule.disposition if rule else ""


def test_the_most_specific_rule_decides():
    assert chosen("Jackets", "A") == "RESTOCK"
    assert chosen("hygiene ", "B") == "SCRAP"
    assert chosen("HYGIENE", "A") == "RESTOCK"
    assert chosen("Jackets", "D", 12) == "SCRAP"
    assert chosen("Jackets", "D", 20) == "RETURN_TO_VENDOR"
    assert chosen("Jackets", "D") == "RETURN_TO_VENDOR"  # nobody knows its worth, so no rule about worth speaks


def test_where_no_rule_speaks_nothing_is_guessed():
    assert chosen("Jackets", "C") == ""


def test_unsafe_goods_never_go_back_on_sale_by_rule():
    found = disposing.problems([Rule("RESTOCK", grade="D"), Rule("RESTOCK"), Rule("RESTOCK", grade="C")])

    assert [(n, field) for n, field, _ in found] == [(0, "grade"), (1, "grade")]


def test_twins_unknown_words_and_empty_ranges_are_named():
    rules = [Rule("OUTLET", grade="B"), Rule("SCRAP", grade="B"), Rule("BURN"), Rule("MISSING", grade="C"),
             Rule("SCRAP", grade="Z"), Rule("SCRAP", at_least=Decimal(5), below=Decimal(5))]  # fmt: skip

    found = [(n, field) for n, field, _ in disposing.problems(rules)]

    assert found == [(1, "category"), (2, "disposition"), (3, "disposition"), (4, "grade"), (5, "below")]


def test_an_items_category_is_what_its_attributes_call_it():
    assert disposing.category_of({"family": "Coats"}) == "Coats"
    assert disposing.category_of({"category": " Shoes ", "family": "Coats"}) == "Shoes"
    assert disposing.category_of({}) == disposing.category_of(None) == ""
