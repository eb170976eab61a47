"""What becomes of goods that came back: rules by category and grade, and the stock each way leads to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

RESTOCK, REFURBISH, OUTLET = "RESTOCK", "REFURBISH", "OUTLET"
RETURN_TO_VENDOR, QUARANTINE, SCRAP, MISSING = "RETURN_TO_VENDOR", "QUARANTINE", "SCRAP", "MISSING"
SEND_BACK = "SEND_BACK"
KINDS = {
    RESTOCK: "Back on sale",
    REFURBISH: "To be refurbished",
    OUTLET: "To the outlet",
    RETURN_TO_VENDOR: "Back to the vendor",
    QUARANTINE: "Put aside",
    SCRAP: "Scrapped",
    MISSING: "Missing",
    SEND_BACK: "Back to the customer",
}

GRADES = {
    "A": "As new, complete",
    "B": "Opened, complete",
    "C": "Worn or incomplete",
    "D": "Damaged or faulty",
    "E": "Unsafe or unusable",
}

# Where the units are afterwards. What leaves the house (vendor, bin, nobody knows) goes to the outside world's states.
STATES = {
    RESTOCK: "sellable",
    REFURBISH: "quarantined",
    OUTLET: "damaged",
    RETURN_TO_VENDOR: "supplier",
    QUARANTINE: "quarantined",
    SCRAP: "shrinkage",
    MISSING: "shrinkage",
    SEND_BACK: "customer",
}
GONE = frozenset({RETURN_TO_VENDOR, SCRAP, MISSING, SEND_BACK})
LEDGER_REASONS = {SCRAP: "DAMAGE", MISSING: "LOST"}

# What a customer still owns may be put aside or be found missing; it is not ours to sell, send away or bin.
BEFORE_ACCEPTANCE = frozenset({QUARANTINE, MISSING})
# Nobody chooses these where goods are looked at: one is what is left when they are gone, the other has its own steps.
NOT_CHOSEN = frozenset({MISSING, SEND_BACK})
CHOSEN = {kind: words for kind, words in KINDS.items() if kind not in NOT_CHOSEN}


@dataclass(frozen=True, slots=True)
class Rule:
    """`disposition` for units of this category and grade, in a given range of unit values; empty means any."""

    disposition: str
    category: str = ""
    grade: str = ""
    at_least: Decimal | None = None
    below: Decimal | None = None
    number: int = 0  # its place in its version, as screens name it

    @property
    def words(self) -> str:
        who = [self.category or "any category", f"grade {self.grade}" if self.grade else "any grade"]
        if self.at_least is not None:
            who.append(f"worth {self.at_least:f} or more")
        if self.below is not None:
            who.append(f"worth less than {self.below:f}")
        return f"{', '.join(who)}: {KINDS[self.disposition].lower()}"


@dataclass(frozen=True, slots=True)
class Unit:
    """What is known of a unit on the bench. A value nobody knows matches no rule that asks for one."""

    category: str
    grade: str
    value: Decimal | None = None


# What decides until somebody words rules of their own.
BUILT_IN = (
    Rule(RESTOCK, grade="A", number=1),
    Rule(RESTOCK, grade="B", number=2),
    Rule(OUTLET, grade="C", number=3),
    Rule(REFURBISH, grade="D", number=4),
    Rule(SCRAP, grade="E", number=5),
)


def category_of(attributes: dict[str, object] | None) -> str:
    """The category an item's attributes name: `category`, else `family`; compared without case or outer blanks."""
    found = (attributes or {}).get("category") or (attributes or {}).get("family") or ""
    return str(found).strip()


def choose(rules: Iterable[Rule], unit: Unit) -> Rule | None:
    """The rule that decides: the most specific that matches (category, then grade, then value), the earlier of equals.

    None where no rule speaks of it: then a person decides, and nothing is guessed.
    """
    matching = [rule for rule in rules if _matches(rule, unit)]
    return min(matching, key=_rank, default=None)


def _matches(rule: Rule, unit: Unit) -> bool:
    if rule.category and rule.category.strip().casefold() != unit.category.strip().casefold():
        return False
    if rule.grade and rule.grade != unit.grade:
        return False
    if rule.at_least is None and rule.below is None:
        return True
    if unit.value is None:
        return False
    return (rule.at_least is None or unit.value >= rule.at_least) and (rule.below is None or unit.value < rule.below)


def _rank(rule: Rule) -> tuple[bool, bool, bool, int]:
    valued = rule.at_least is not None or rule.below is not None
    return not rule.category, not rule.grade, not valued, rule.number


def problems(rules: Sequence[Rule]) -> list[tuple[int, str, str]]:
    """(place, field, what is wrong) of a version before it goes live: unknown words, empty ranges, twins, unsafe goods
    back on sale."""
    found: list[tuple[int, str, str]] = []
    seen: dict[tuple[object, ...], int] = {}
    for n, rule in enumerate(rules):
        if rule.disposition not in CHOSEN:
            found.append((n, "disposition", "Choose what becomes of them."))
        if rule.grade and rule.grade not in GRADES:
            found.append((n, "grade", "There is no such grade."))
        if rule.at_least is not None and rule.below is not None and rule.at_least >= rule.below:
            found.append((n, "below", "The range is empty."))
        if rule.disposition == RESTOCK and rule.grade in {"", "D", "E"}:
            found.append((n, "grade", "Only named grades up to C go back on sale."))
        key = (rule.category.strip().casefold(), rule.grade, rule.at_least, rule.below)
        if key in seen:
            found.append((n, "category", f"Rule {seen[key] + 1} speaks of the same goods."))
        seen.setdefault(key, n)
    return found
