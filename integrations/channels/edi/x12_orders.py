"""X12 850 (purchase order) and 860 (change) as a Purchase. Pure: raises nothing but Unreadable.

Amounts of SAC05 are hundredths; prices follow PO105's basis. CTT and AMT are checked where the sender gives them.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from integrations.channels.edi import units
from integrations.channels.edi.purchase import CANCEL, CHANGE, NEW, Party, Purchase, PurchaseLine
from integrations.channels.edi.terms import X12_CODES, EdiTerms
from integrations.channels.edi.units import code_list
from integrations.channels.edi.x12_reading import address, cents, currency, day, element, number, written_at
from integrations.channels.edi.x12_reading import units as whole
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.x12 import Segment, Transaction
from integrations.reading import ZERO, Faults, shown

# BEG01 and BCH01, element 353.
PURPOSES = {"00": NEW, "02": NEW, "05": NEW, "06": NEW, "07": NEW, "15": NEW, "18": NEW, "20": NEW, "26": NEW,
            "01": CANCEL, "03": CANCEL, "17": CANCEL, "04": CHANGE}  # fmt: skip
NO_ORDER = {
    "14": "an advance notification, no order yet", "22": "an information copy", "24": "a draft",
    "08": "a status", "13": "a request", "28": "a query", "51": "a historical inquiry", "36": "a preliminary document",
}  # fmt: skip
# BEG02, element 92: what asks for goods, and what only speaks of them. Of the others (stop work, termination, what was
# shipped already, changes in an 850 …) nobody has said what they mean here.
_FIRM = code_list(
    "AB AC AO BH BK BL BY CN CO DR DS EO FH JL KN KO NE NP NS OS PR RA RE RL RN RO SA SP SS ST UD UE US WO ZZ"
)
NOT_FIRM = {
    "BE": "a blanket order with estimated quantities", "IN": "an information copy", "BD": "a request for a bid",
    "BQ": "a request for a quote", "RC": "a commitment before the order",
    **dict.fromkeys(code_list("CA CB KA KB KC KD KE KI KQ KR KS"), "an agreement, no order"),
}  # fmt: skip
# POC02, element 670.
CHANGES = {
    "AI": "add", "DI": "delete", "CF": "delete", "QI": "up", "QD": "down", "RE": "replace", "RM": "replace",
    "RZ": "replace", **dict.fromkeys(code_list("CA CE MU PC PQ PR RQ"), "set"),
    **dict.fromkeys(code_list("CB CC CG CT NC RA RB RS"), "keep"),
}  # fmt: skip
# DTM01, element 374.
DATES = {
    **dict.fromkeys(("001", "061", "175", "177"), "cancel"), **dict.fromkeys(("010", "068", "118"), "ship"),
    **dict.fromkeys(("002", "064", "067", "070", "071", "077", "106"), "deliver"), "037": "not_before",
    "038": "last_ship", **dict.fromkeys(("063", "074", "076"), "last_delivery"),
}  # fmt: skip
FREIGHT = code_list("D200 D210 D220 D230 D240 D250 D260 D270 G821 G830 G831")  # SAC02, element 1300
TAXES = frozenset({"D360", *(f"H{code}" for code in range(650, 860, 10))})
NO_MONEY = frozenset({"N", "P", "Q", "R", "S"})  # SAC01: no allowance or charge, promotions and services to come


class _Reader:
    """Walks one set. `line` is the line open, `party` the N1 loop open."""

    def __init__(self, found: Transaction, terms: EdiTerms):
        self.found, self.terms, self.faults = found, terms, Faults()
        self.lines: list[PurchaseLine] = []
        self.line: PurchaseLine | None = None
        self.party: Party | None = None
        self.in_summary = False
        self.purchase: Purchase | None = None
        self.unread: set[str] = set()  # lines whose quantity is no number: what follows from it isn't said again
        self.line_dates: dict[str, date] = {}  # what lines ask for counts where the order as a whole asks for nothing

    def read(self) -> Purchase:
        begin = next((each for each in self.found.segments if each.name in {"BEG", "BCH"}), None)
        if begin is None:
            raise _bad(self.found.segments[0].path, "is no purchase order: its BEG or BCH segment is missing")
        self.purchase = self._begin(begin)
        for segment in self.found.segments[1:-1]:
            self._one(self.purchase, segment)
        self._finish(self.purchase)
        self.faults.raise_if_any()
        return self.purchase

    def _begin(self, begin: Segment) -> Purchase:
        is_change = begin.name == "BCH"
        purpose = PURPOSES.get(begin[1], "")
        if not purpose and begin[1] not in NO_ORDER:
            self.faults.add(element(begin, 1), f"is no purpose of a document Backroom knows: {shown(begin[1])}")
        if not is_change and begin[2] and begin[2] not in _FIRM and begin[2] not in NOT_FIRM:
            self.faults.add(element(begin, 2), f"is no type of an order Backroom knows: {shown(begin[2])}")
        if is_change and purpose == NEW and begin[1] != "05":
            self.faults.add(element(begin, 1), f"is no purpose of a change: {shown(begin[1])}")
        if not is_change and purpose == CHANGE:
            purpose = NEW  # the whole order as it stands now: an 850 has no other way to say it
        if not begin[3]:
            self.faults.add(element(begin, 3), "names no purchase order")
        ordered = day(begin, 6 if is_change else 5, self.faults)
        if ordered is None and not is_change and not begin[5]:
            self.faults.add(element(begin, 5), "names no day of order")
        return Purchase(
            number=f"{begin[3]}:{begin[4]}" if begin[2] == "RL" and begin[4] else begin[3],  # a blanket's release
            po=begin[3],
            purpose=purpose or NEW,
            version=written_at(self.found, self.faults),
            day=ordered or date(1970, 1, 1),
            currency=self.terms.currency,
            codes=X12_CODES,
            test=self.found.interchange.is_test,
            notes=list(self.found.remarks),
        )

    def _one(self, purchase: Purchase, segment: Segment) -> None:
        match segment.name:
            case "PO1" | "POC":
                self._line(segment)
            case "CTT":
                self.in_summary, self.party = True, None
                self._control(segment)
            case "N1":
                self._party(purchase, segment)
            case "N2" | "N3" | "N4" | "PER" if self.party is not None:
                address(self.party, segment)
            case "SAC":
                self._allowance(purchase, segment)
            case "TXI":
                self._tax(purchase, segment)
            case "AMT" if segment[1] == "TT" and (self.line is None or self.in_summary):
                purchase.total = number(segment, 2, self.faults)
            case "DTM":
                self._date(purchase, segment)
            case "MSG" | "MTX" | "NTE":
                said = segment[1] if segment.name == "MSG" else segment[2]
                whose = f"Line {self.line.ref}: " if self.line and not self.in_summary else ""
                purchase.notes.extend([whose + said] if said else [])
            case _ if self.line is not None:
                self._of_line(self.line, segment)
            case _:
                self._of_header(purchase, segment)

    # --- Header

    def _of_header(self, purchase: Purchase, segment: Segment) -> None:
        match segment.name:
            case "CUR":
                purchase.currency = currency(segment, 2, self.faults) or purchase.currency
            case "REF" if self.party is None and segment[2]:
                purchase.tags.append(f"{segment[1]} {segment[2]}")
            case "ITD" if segment[7].isdigit():
                purchase.net_days = int(segment[7][:4])
            case "TD5":
                carrier = " ".join(filter(None, (segment[3], segment[5])))
                purchase.notes.extend([f"Send by {carrier}."] if carrier else [])

    def _party(self, purchase: Purchase, segment: Segment) -> None:
        self.party = Party(segment[1], segment[2], segment[4])
        if self.line is None:
            purchase.parties.append(self.party)
        elif segment[1] in {"ST", "DP"} and self.line.place is None:
            self.line.place = self.party

    def _date(self, purchase: Purchase, segment: Segment) -> None:
        name = DATES.get(segment[1])
        if name is None or not segment[2]:
            return
        found = day(segment, 2, self.faults)
        if found is not None:
            dates = purchase.dates if self.line is None else self.line_dates
            dates[name] = max(dates.get(name, found), found)

    # --- Lines

    def _line(self, segment: Segment) -> None:
        self.party, self.line = None, None
        is_change = segment.name == "POC"
        shift = 1 if is_change else 0  # POC has what changes before the quantity, and what is left after it
        change = ""
        if is_change:
            change = CHANGES.get(segment[2], "")
            if self.terms.differences:
                change = {"up": "more", "down": "less"}.get(change, change)
            if not change:
                self.faults.add(element(segment, 2), f"is no change of a line Backroom knows: {shown(segment[2])}")
        at = 3 if is_change else 2
        quantity = whole(segment, at, self.faults)
        if quantity is None and segment[at]:
            self.unread.add(segment.path)
        unit = segment[at + 1 + shift].split(self.found.interchange.component or "\0")[0].upper()
        ids = tuple(segment.pairs(8 if is_change else 6))
        line = PurchaseLine(
            ref=self._ref(segment, is_change), quantity=quantity or 0, unit=unit, path=segment.path, ids=ids,
            change=change, quantity_said=quantity is not None,
        )  # fmt: skip
        if (unit or quantity) and unit not in units.X12 and unit not in self.terms.units:
            words = f"is ordered by a unit nobody knows, {shown(unit)}: say with the setting units what one holds"
            self.faults.add(element(segment, at + 1 + shift), words)
        line.price = self._price(segment, at + 2 + shift, unit)
        if not ids and not is_change:
            self.faults.add(segment.path, "names the article by no number")
        self.lines.append(line)
        self.line = line

    def _ref(self, segment: Segment, is_change: bool) -> str:
        said = segment[1]
        if is_change:
            return said
        if not said or said in {line.ref for line in self.lines}:
            return f"{said or 'line'}-{len(self.lines) + 1}" if said else str(len(self.lines) + 1)
        return said

    def _price(self, segment: Segment, position: int, unit: str) -> Decimal | None:
        price, basis = number(segment, position, self.faults), segment[position + 1].upper()
        if basis in units.NO_PRICE:
            return None
        if basis == "NC":
            return ZERO
        if price is None or not basis or basis in units.PRICE_KINDS:
            return price
        if basis in units.PRICE_OF:
            return price / units.PRICE_OF[basis]
        if unit in units.PRICE_OF_MEASURE.get(basis, ()):
            return price
        words = "is no basis of a price Backroom knows"
        if basis in units.PRICE_OF_MEASURE:
            words = f"states the price of another unit than {unit}, the one ordered by"
        self.faults.add(element(segment, position + 1), f"{words}: {shown(basis)}")
        return None

    def _of_line(self, line: PurchaseLine, segment: Segment) -> None:
        match segment.name:
            case "PID" if segment[5] and not self.in_summary:
                line.title = line.title or segment[5]
            case "SDQ":
                self._spread(line, segment)
            case "CUR" if segment[2] and self.purchase and segment[2] != self.purchase.currency:
                words = f"is in {segment[2]}, the order in {self.purchase.currency or 'no currency'}"
                self.faults.add(element(segment, 2), words)

    def _spread(self, line: PurchaseLine, segment: Segment) -> None:
        for position in range(3, len(segment.elements) - 1, 2):
            if not segment[position] and not segment[position + 1]:
                continue
            if position >= 23:  # SDQ23 names a place within the shop
                break
            quantity = whole(segment, position + 1, self.faults)
            if not segment[position] or quantity is None:
                self.faults.add(element(segment, position), "names no shop, or none of its units")
            elif quantity:
                line.spread.append((segment[position], quantity))

    # --- Money

    def _allowance(self, purchase: Purchase, segment: Segment) -> None:
        kind = segment[1]
        if kind in NO_MONEY or segment[12] == "08":  # for information only
            return
        if kind not in {"A", "C"}:
            self.faults.add(element(segment, 1), f"should be A or C, is {shown(kind)}")
            return
        line = None if self.in_summary else self.line
        amount = self._amount(segment, line)
        if amount is None:
            what = "allowance" if kind == "A" else "charge"
            purchase.unsettled.append(f"{segment.path}: an {what} without its amount.".replace("an charge", "a charge"))
            return
        code = segment[2]
        if amount < 0:
            kind, amount = "C" if kind == "A" else "A", -amount
        if kind == "A":
            _add(line or purchase, "discount", amount)
        elif code in TAXES:
            _add(line or purchase, "tax", amount)
        elif line is not None:
            line.charge += amount
        else:
            _add(purchase, "shipping" if code in FREIGHT else "other", amount)

    def _amount(self, segment: Segment, line: PurchaseLine | None) -> Decimal | None:
        """SAC05; without it the rate for so many units. A percentage of something unsaid is nobody's to reckon."""
        stated = cents(segment, 5, self.faults)
        if stated is not None:
            return stated
        rate = number(segment, 8, self.faults)
        basis = number(segment, 10, self.faults) or (Decimal(line.quantity) if line else None)
        if rate is not None and basis is not None:
            return (rate * basis).quantize(Decimal("0.0001"))
        return None

    def _tax(self, purchase: Purchase, segment: Segment) -> None:
        amount = number(segment, 2, self.faults)
        if amount is not None and segment[6] != "1":  # TXI06: exempt
            _add(purchase if self.in_summary or self.line is None else self.line, "tax", amount)

    # --- The end

    def _control(self, segment: Segment) -> None:
        lines = len(self.lines)
        if segment[1] and segment[1].lstrip("0") != str(lines or ""):
            self._disagrees(element(segment, 1), f"counts {segment[1]} lines, there are {lines}")
        stated = number(segment, 2, self.faults)
        hashed = sum(line.quantity for line in self.lines)
        if stated is not None and stated != hashed and not self.unread:
            self._disagrees(element(segment, 2), f"adds the quantities up to {stated}, they make {hashed}")

    def _disagrees(self, path: str, words: str) -> None:
        if self.terms.forgiving and self.purchase is not None:
            self.purchase.notes.append(f"{path} {words}.")
        else:
            self.faults.add(path, words)

    def _finish(self, purchase: Purchase) -> None:
        purchase.lines = self.lines
        purchase.dates = self.line_dates | purchase.dates
        if not purchase.currency:
            self.faults.add("CUR", "is missing, and the channel has no currency")
        for line in self.lines:
            spread = sum(units_ for _, units_ in line.spread)
            if line.spread and not line.quantity_said:
                line.quantity, line.quantity_said = spread, True
            elif line.spread and spread != line.quantity:
                self.faults.add(line.path, f"orders {line.quantity}, its shops {spread} together")
            if not line.change and line.quantity < 1 and line.path not in self.unread:
                self.faults.add(line.path, "orders no units")
            if line.change == "add" and not line.quantity:
                self.faults.add(line.path, "adds no units")
        if not self.lines and purchase.purpose == NEW:
            self.faults.add(self.found.segments[0].path, "orders nothing: it has no line")


def read(found: Transaction, terms: EdiTerms) -> Purchase:
    return _Reader(found, terms).read()


def no_order(found: Transaction) -> str:
    """Why the set asks for nothing, where its beginning says so; else empty."""
    begin = next((each for each in found.segments if each.name in {"BEG", "BCH"}), None)
    if begin is None:
        return ""
    what = NO_ORDER.get(begin[1]) or (NOT_FIRM.get(begin[2], "") if begin.name == "BEG" else "")
    return f"purchase order {begin[3]} is only {what}" if what else ""


def _add(to: Purchase | PurchaseLine, name: str, amount: Decimal) -> None:
    setattr(to, name, getattr(to, name) + amount)


def _bad(path: str, words: str) -> Unreadable:
    return Unreadable(FailureClass.BAD_VALUE, Fault(path, words))
