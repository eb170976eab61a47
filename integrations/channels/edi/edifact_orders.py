"""EDIFACT ORDERS and ORDCHG (D.96A to D.01B and later) as a Purchase. Pure: raises nothing but Unreadable."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from integrations.channels.edi import units as measures
from integrations.channels.edi.edifact_reading import contact, day, ids, number, party, units, written_at
from integrations.channels.edi.purchase import CANCEL, CHANGE, NEW, Party, Purchase, PurchaseLine
from integrations.channels.edi.terms import EDIFACT_CODES, EdiTerms
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.edifact import Message, Segment
from integrations.reading import ZERO, Faults, shown
from orders import currencies

# BGM 1225.
PURPOSES = {"": NEW, "9": NEW, "5": NEW, "7": NEW, "6": NEW, "42": NEW, "47": NEW, "2": NEW, "21": NEW,
            "1": CANCEL, "3": CANCEL, "4": CHANGE, "36": CHANGE}  # fmt: skip
NO_ORDER = {"31": "a copy", "16": "a proposal", "46": "provisional", "13": "a request", "12": "an unprocessed order",
            "43": "sent in addition", "11": "a response", "27": "a refusal", "29": "an acceptance"}  # fmt: skip
NOT_FIRM = {"221": "a blanket order without dates", "315": "a contract"}  # BGM 1001
CHANGES = {"1": "add", "2": "delete", "3": "set", "4": "keep", "5": "keep", "6": "set", "8": "set", "15": "set",
           "16": "set", "24": "keep"}  # fmt: skip
DATES = {"2": "deliver", "69": "deliver", "64": "deliver", "76": "deliver", "10": "ship", "37": "not_before",
         "38": "last_ship", "63": "last_delivery", "61": "cancel", "44": "deliver", "11": "ship", "17": "deliver",
         "200": "ship", "358": "deliver"}  # fmt: skip
# PRI 5125: what the price is, the one that counts first. Net prices have the line's allowances in them.
NET_PRICES, GROSS_PRICES = ("AAA", "NTP", "CAL", "INV"), ("AAB", "GRP", "AAE", "SRP")
FREIGHT = frozenset({"FC", "FI", "FA", "SH", "ABL", "HD"}) - {"HD", "ABL"}


class _Reader:
    """Walks one message. `line`, `party` and `allowance` are the groups open."""

    def __init__(self, found: Message, terms: EdiTerms):
        self.found, self.terms, self.faults = found, terms, Faults()
        self.lines: list[PurchaseLine] = []
        self.line: PurchaseLine | None = None
        self.party: Party | None = None
        self.allowance: tuple[Segment, list[Decimal]] | None = None
        self.in_summary = self.in_tax = False
        self.prices: dict[int, dict[str, Decimal]] = {}
        self.amounts: dict[int, Decimal] = {}
        self.totals: dict[str, Decimal] = {}
        self.line_dates: dict[str, date] = {}
        self.ordered: date | None = None
        self.shop = ""

    def read(self) -> Purchase:
        bgm = next((each for each in self.found.segments if each.name == "BGM"), None)
        if bgm is None:
            words = f"is no {self.found.kind}: its BGM segment is missing"
            raise Unreadable(FailureClass.BAD_VALUE, Fault(self.found.segments[0].path, words))
        purchase = self._begin(bgm)
        for segment in self.found.segments[1:-1]:
            self._one(purchase, segment)
        self._finish(purchase)
        self.faults.raise_if_any()
        return purchase

    def _begin(self, bgm: Segment) -> Purchase:
        function = bgm.get(3)
        purpose = PURPOSES.get(function, "")
        if not purpose:
            self.faults.add(bgm.path, f"has no function of a document Backroom knows: {shown(function)}")
        is_change = self.found.kind == "ORDCHG"
        if is_change and purpose == NEW and function != "5":
            purpose = CHANGE
        if not is_change and purpose == CHANGE:
            purpose = NEW  # ORDERS has no way to say what changes: it is the whole order as it stands now
        if not bgm.get(2):
            self.faults.add(bgm.path, "names no order")
        number_ = bgm.get(2)
        if is_change:  # its own number comes first; the order it changes is a reference
            number_ = self._reference("ON") or number_
        return Purchase(
            number=number_, purpose=purpose or NEW, version=written_at(self.found, self.faults), day=date(1970, 1, 1),
            currency=self.terms.currency, codes=EDIFACT_CODES, test=self.found.interchange.is_test,
            notes=list(self.found.remarks),
        )  # fmt: skip

    def _reference(self, kind: str) -> str:
        references = (each for each in self.found.segments if each.name == "RFF" and each.get(1) == kind)
        return next((each.get(1, 1) for each in references), "")

    def _one(self, purchase: Purchase, segment: Segment) -> None:
        name = segment.name
        if name not in {"MOA", "PCD", "QTY", "RTE", "RNG", "TAX", "DTM", "FTX", "ALI"}:
            self._settle(purchase)
        if name not in {"CTA", "COM", "RFF", "FII", "LOC", "DTM"}:
            self.party = None
        self.in_tax = name == "TAX" or (self.in_tax and name in {"MOA", "LOC"})
        match name:
            case "LIN":
                self._line(segment)
            case "UNS":
                self.in_summary, self.line = True, None
            case "NAD":
                self._nad(purchase, segment)
            case "CTA" | "COM" if self.party is not None:
                contact(self.party, segment)
            case "DTM":
                self._date(purchase, segment)
            case "ALC":
                self.allowance = (segment, [])
            case "MOA":
                self._money(purchase, segment)
            case "CNT":
                self._control(purchase, segment)
            case _ if self.line is not None:
                self._of_line(self.line, segment)
            case _:
                self._of_header(purchase, segment)

    # --- Header

    def _of_header(self, purchase: Purchase, segment: Segment) -> None:
        match segment.name:
            case "CUX" if segment.get(1) in {"2", ""}:
                code = segment.get(1, 1)
                if code and not currencies.is_known(code):
                    self.faults.add(segment.path, f"should be a currency of ISO 4217, is {shown(code)}")
                purchase.currency = code or purchase.currency
            case "RFF" if segment.get(1, 1) and segment.get(1) != "ON":
                purchase.tags.append(f"{segment.get(1)} {segment.get(1, 1)}")
            case "FTX":
                text = " ".join(filter(None, (segment.get(4, component) for component in range(5))))
                purchase.notes.extend([text] if text else [])
            case "PAT" if segment.get(3, 3).isdigit() and segment.get(3, 2) in {"D", ""}:
                purchase.net_days = int(segment.get(3, 3)[:4])

    def _nad(self, purchase: Purchase, segment: Segment) -> None:
        self.party = party(segment)
        if self.line is None:
            purchase.parties.append(self.party)
        elif segment.get(1) in {"DP", "ST", "UC"} and self.line.place is None:
            self.line.place = self.party

    def _date(self, purchase: Purchase, segment: Segment) -> None:
        kind = segment.get(1)
        if kind in {"137", "4"} and self.line is None and self.party is None:
            found = day(segment, self.faults)
            self.ordered = found if kind == "4" or self.ordered is None else self.ordered
        elif name := DATES.get(kind):
            found = day(segment, self.faults)
            dates = purchase.dates if self.line is None else self.line_dates
            if found is not None:
                dates[name] = max(dates.get(name, found), found)

    # --- Lines

    def _line(self, segment: Segment) -> None:
        action = segment.get(2)
        change = ""
        if self.found.kind == "ORDCHG":
            change = CHANGES.get(action, "" if action else "set")
            if not change:
                self.faults.add(segment.path, f"is no change of a line Backroom knows: {shown(action)}")
        ref, taken = segment.get(1), {line.ref for line in self.lines}
        if not ref or ref in taken:
            ref = f"{ref}-{len(self.lines) + 1}" if ref else str(len(self.lines) + 1)
        self.line = PurchaseLine(ref, 0, "", segment.path, ids=tuple(ids(segment, 3)), change=change)
        self.line.quantity_said = False
        self.lines.append(self.line)
        self.shop = ""

    def _of_line(self, line: PurchaseLine, segment: Segment) -> None:
        match segment.name:
            case "PIA" if segment.get(1) in {"1", "5", ""}:
                line.ids = (*line.ids, *ids(segment, 2))
            case "IMD":
                line.title = line.title or f"{segment.get(3, 3)}{segment.get(3, 4)}".strip()
            case "QTY":
                self._quantity(line, segment)
            case "LOC" if segment.get(1) == "7":
                self.shop = segment.get(2)
            case "PRI":
                self._price(line, segment)

    def _quantity(self, line: PurchaseLine, segment: Segment) -> None:
        kind = segment.get(1)
        if kind not in {"21", "11", "1", "113"} or self.allowance is not None:
            return
        found = units(segment, self.faults)
        unit = segment.get(1, 2).upper()
        if unit not in measures.EDIFACT and unit not in self.terms.units:
            words = f"is ordered by a unit nobody knows, {shown(unit)}: say with the setting units what one holds"
            self.faults.add(segment.path, words)
        if kind == "11":
            place = self.shop or (line.place.code if line.place else "")
            if place and found:
                line.spread.append((place, found))
            return
        if not line.quantity_said and found is not None:
            line.quantity, line.unit, line.quantity_said = found, unit, True

    def _price(self, line: PurchaseLine, segment: Segment) -> None:
        price = number(segment, 1, 1, self.faults)
        basis = number(segment, 1, 4, self.faults) or Decimal(1)
        if price is None:
            return
        if basis <= 0:
            self.faults.add(segment.path, f"is a price for {basis} units")
            return
        self.prices.setdefault(id(line), {}).setdefault(segment.get(1), price / basis)

    # --- Money

    def _money(self, purchase: Purchase, segment: Segment) -> None:
        kind, amount = segment.get(1), number(segment, 1, 1, self.faults)
        if amount is None:
            return
        if self.allowance is not None:
            if kind in {"8", "23", "204"}:
                self.allowance[1].append(amount)
        elif kind in {"124", "176"}:
            to = purchase if self.line is None else self.line
            if kind == "176" and self.line is None:  # the total of all taxes
                purchase.tax = amount
            elif "176" not in self.totals:
                to.tax += amount
            self.totals.setdefault(kind, amount)
        elif self.line is not None and kind == "203":
            self.amounts[id(self.line)] = amount
        elif self.line is None:
            self.totals.setdefault(kind, amount)

    def _settle(self, purchase: Purchase) -> None:
        """The allowance or charge whose group has ended."""
        if self.allowance is None:
            return
        segment, amounts = self.allowance
        self.allowance = None
        kind = segment.get(1)
        if kind not in {"A", "C"}:
            if kind not in {"N", "O", "P", "Q", "R", "S", "T", "U", "F", "V"}:
                self.faults.add(segment.path, f"should be an allowance or a charge, is {shown(kind)}")
            return
        line = self.line
        if not amounts:
            if line is None:
                what = "an allowance" if kind == "A" else "a charge"
                purchase.unsettled.append(f"{segment.path}: {what} without its amount.")
            return
        to: Purchase | PurchaseLine = purchase if line is None else line
        if kind == "A":
            to.discount += amounts[0]
        elif line is not None:
            line.charge += amounts[0]
        elif segment.get(5) in FREIGHT:
            purchase.shipping += amounts[0]
        else:
            purchase.other += amounts[0]

    def _control(self, purchase: Purchase, segment: Segment) -> None:
        kind, stated = segment.get(1), number(segment, 1, 1, self.faults)
        made = {"2": len(self.lines), "1": sum(line.quantity for line in self.lines)}.get(kind)
        if made is None or stated is None or stated == made:
            return
        what = "counts {} lines, there are {}" if kind == "2" else "adds the quantities up to {}, they make {}"
        if self.terms.forgiving:
            purchase.notes.append(f"{segment.path} {what.format(stated, made)}.")
        else:
            self.faults.add(segment.path, what.format(stated, made))

    # --- The end

    def _finish(self, purchase: Purchase) -> None:
        self._settle(purchase)
        purchase.lines = self.lines
        purchase.dates = self.line_dates | purchase.dates
        moment = datetime.fromtimestamp(purchase.version / 1_000_000, UTC)
        purchase.day = self.ordered or moment.date()
        purchase.total = self.totals.get("86", self.totals.get("128", self.totals.get("39")))
        if not purchase.currency:
            self.faults.add("CUX", "is missing, and the channel has no currency")
        for line in self.lines:
            self._finish_line(line)
        if not self.lines and purchase.purpose == NEW:
            self.faults.add(self.found.segments[0].path, "orders nothing: it has no LIN")

    def _finish_line(self, line: PurchaseLine) -> None:
        spread = sum(units_ for _, units_ in line.spread)
        if line.spread and not line.quantity_said:
            line.quantity, line.quantity_said = spread, True
        elif line.spread and spread != line.quantity:
            self.faults.add(line.path, f"orders {line.quantity}, its places {spread} together")
        if not line.change and not line.quantity:
            self.faults.add(line.path, "orders no units")
        if not line.change and not line.ids:
            self.faults.add(line.path, "names the article by no number")
        prices = self.prices.get(id(line), {})
        net = next((prices[kind] for kind in NET_PRICES if kind in prices), None)
        line.price = net if net is not None else next((prices[kind] for kind in GROSS_PRICES if kind in prices), None)
        if net is not None:
            line.discount, line.charge = ZERO, ZERO  # they are in the net price
        amount = self.amounts.get(id(line))
        if line.price is None and amount is not None and line.quantity:
            line.price = (amount + line.discount - line.charge) / line.quantity


def read(found: Message, terms: EdiTerms) -> Purchase:
    return _Reader(found, terms).read()


def no_order(found: Message) -> str:
    """Why the message asks for nothing, where its beginning says so; else empty."""
    bgm = next((each for each in found.segments if each.name == "BGM"), None)
    if bgm is None:
        return ""
    what = NO_ORDER.get(bgm.get(3)) or NOT_FIRM.get(bgm.get(1), "")
    return f"purchase order {bgm.get(2)} is only {what}" if what else ""
