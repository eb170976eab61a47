"""Bank statements: camt.053 (any of its versions), MT940, and CSV by a stated mapping of its columns. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree import ElementTree

import mt940

from finance import canonical
from finance.canonical import BANK_COLUMNS, ZERO, Entry, Fault, Rule, Statement, Terms
from integrations.payments.settlements import documents, figures, tables
from integrations.payments.settlements.tables import Refused

# Where an amount has no sign of its own, the word beside it that says which way it went.
CREDITS = {"c", "cr", "crdt", "credit", "h", "haben", "bij", "in", "+", "kredit", "zugang", "cre"}
DEBITS = {"d", "dr", "dbit", "debit", "s", "soll", "af", "out", "-", "debet", "abgang", "deb"}


def connect() -> None:
    canonical.register_bank("camt053", camt)
    canonical.register_bank("mt940", swift)
    canonical.register_bank("csv", columns)


def _balanced(found: Statement) -> Statement:
    """With a fault where opening balance and entries don't come to the closing one."""
    if found.opening is None or found.closing is None:
        return found
    total = found.opening + sum((entry.amount for entry in found.entries), ZERO)
    off = total - found.closing
    if not off:
        return found
    words = f"Opening {found.opening} and its entries come to {total}, the statement says {found.closing}"
    twins = [n for n, entry in enumerate(found.entries, start=1) if entry in found.entries[: n - 1]]
    again = next((n for n in twins if found.entries[n - 1].amount == off), 0)
    if again:
        fault = Fault(Rule.LINE_DOUBLED, f"{words}: entry {again} of {off} stands there twice.", again, found.ref)
    elif abs(off) <= figures.unit(found.currency) * 5:
        fault = Fault(Rule.CENT_SHIFTED, f"{words}: {off} off.", ref=found.ref)
    else:
        fault = Fault(Rule.LINE_MISSING, f"{words}: entries of {-off} are missing.", ref=found.ref)
    return replace(found, faults=(*found.faults, fault))


def _one_currency(found: Statement, balances: Iterable[str] = ()) -> Statement:
    """Refused where an entry or a balance is in another currency than its account."""
    for code in balances:
        if code and found.currency and code != found.currency:
            raise Refused(f"A balance is in {code}, the account in {found.currency}.", rule=Rule.CURRENCY_MIXED)
    for n, entry in enumerate(found.entries, start=1):
        if found.currency and entry.currency != found.currency:
            words = f"Entry {n} is in {entry.currency}, the account in {found.currency}."
            raise Refused(words, n, Rule.CURRENCY_MIXED)
    return found


# --- camt.053 ------------------------------------------------------------------------------------------------------


def camt(content: bytes, terms: Terms) -> list[Statement]:
    """Every statement in the document. Whatever the version of its namespace, its elements have the same names."""
    head = content[:100_000].replace(b"\x00", b"")  # of UTF-16, too
    if re.search(rb"<!(DOCTYPE|ENTITY)", head, re.IGNORECASE):
        raise Refused("It declares a document type; a statement has none.")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  (no entities: refused above)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the latter two: an encoding nobody knows
        raise Refused(f"It is no XML: {error}.") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    found = [_camt_statement(each) for each in root.iter("Stmt")]
    if not found:
        raise Refused("It holds no statement (BkToCstmrStmt/Stmt).")
    return found


def _text(element: Any, path: str) -> str:
    return " ".join((element.findtext(path) or "").split()) if element is not None else ""


def _plain(text: str) -> str:
    """A decimal as XML may write it, +1. or .5, as everybody else does."""
    found = re.fullmatch(r"\+?([0-9]*)(?:\.([0-9]*))?", text)
    if found is None or not (found[1] or found[2]):
        return text
    return f"{found[1] or 0}.{found[2]}" if found[2] else found[1]


def _signed(element: Any, entry: int = 0) -> tuple[Decimal, str]:
    """An amount has no sign of its own: beside it stands whether it is a credit. A reversal says so of itself, too."""
    amount = element.find("Amt")
    name = f"Entry {entry}, Amt" if entry else "Balance, Amt"
    if amount is None:
        raise Refused(f"{name}: it is missing.", entry)
    value = documents.amount(_plain((amount.text or "").strip()), entry, name)
    side = _text(element, "CdtDbtInd")
    if side not in {"CRDT", "DBIT"} or value < 0:
        raise Refused(f"{name}: {amount.text} {side or 'without CdtDbtInd'} is neither a credit nor a debit.", entry)
    return (-value if side == "DBIT" else value), amount.get("Ccy", "")


def _day(element: Any, path: str) -> date | None:
    found = element.find(path) if element is not None else None
    text = (_text(found, "Dt") or _text(found, "DtTm"))[:10] if found is not None else ""
    return figures.a_day(text)


def _camt_statement(element: Any) -> Statement:
    named = [
        (_text(each, "Tp/CdOrPrtry/Cd") or _text(each, "Tp/CdOrPrtry/Prtry"), each) for each in element.findall("Bal")
    ]
    balances = dict(reversed(named))  # of several of one kind, the first: a second is in another form
    opening, closing = balances.get("OPBD") or balances.get("PRCD"), balances.get("CLBD")
    entries = tuple(entry for n, each in enumerate(element.findall("Ntry"), 1) for entry in _camt_entries(each, n))
    sides = [_signed(each) for each in (opening, closing) if each is not None]
    codes = (*(code for _, code in sides), *(entry.currency for entry in entries))
    account = _text(element, "Acct/Id/IBAN") or _text(element, "Acct/Id/Othr/Id")
    found = Statement(
        form="camt053", account=account, ref=_text(element, "Id"), entries=entries,
        currency=_text(element, "Acct/Ccy") or next(filter(None, codes), ""),
        opening=_signed(opening)[0] if opening is not None else None,
        closing=_signed(closing)[0] if closing is not None else None,
        starts_on=_day(opening, "Dt") if opening is not None else None,
        ends_on=_day(closing, "Dt") if closing is not None else None,
    )  # fmt: skip
    return _summed(_balanced(_one_currency(found, [code for _, code in sides])), element)


def _summed(found: Statement, element: Any) -> Statement:
    """With a fault where the entries aren't as many, or not as much, as the statement's own summary says."""
    if found.faults:
        return found
    for path, side in (("TtlNtries", 0), ("TtlCdtNtries", 1), ("TtlDbtNtries", -1)):
        told = element.find(f"TxsSummry/{path}")
        mine = [each for each in element.findall("Ntry") if not side or _signed(each)[0] * side > 0]
        for name, of in (("NbOfNtries", Decimal(len(mine))), ("Sum", sum((abs(_signed(e)[0]) for e in mine), ZERO))):
            said = _plain(_text(told, name))
            if said and re.fullmatch(r"[0-9]+(\.[0-9]+)?", said) and Decimal(said) != of:
                words = f"Its summary says {name} {said} of {path}, its entries come to {of}."
                return replace(found, faults=(*found.faults, Fault(_of_summary(name, Decimal(said) - of), words)))
    return found


def _of_summary(name: str, off: Decimal) -> Rule:
    if name == "NbOfNtries":
        return Rule.LINE_MISSING if off > 0 else Rule.LINE_DOUBLED
    return Rule.CENT_SHIFTED if abs(off) <= Decimal("0.05") else Rule.TOTALS_DISAGREE


def _camt_entries(element: Any, number: int) -> Iterator[Entry]:
    """Booked entries; one of several transactions is taken apart where each says its own amount."""
    status = _text(element, "Sts/Cd") or _text(element, "Sts")
    if status and status != "BOOK":
        return
    amount, currency = _signed(element, number)
    booked = _day(element, "BookgDt") or _day(element, "ValDt")
    if booked is None:
        raise Refused(f"Entry {number} has no booking date.", number)
    details = element.findall("NtryDtls/TxDtls")
    parts = [_part(each, amount) for each in details]
    if len(details) > 1 and sum(parts, ZERO) == amount:
        for each, part in zip(details, parts, strict=True):
            yield _camt_entry(element, [each], part, currency, booked)
    else:
        yield _camt_entry(element, details, amount, currency, booked)


def _part(details: Any, whole: Decimal) -> Decimal:
    found = details.find("Amt") if details.find("Amt") is not None else details.find("AmtDtls/TxAmt/Amt")
    try:
        value = Decimal((found.text or "").strip()) if found is not None else ZERO
    except InvalidOperation:
        return ZERO
    sign = _text(details, "CdtDbtInd")
    return -value if (sign == "DBIT" if sign else whole < 0) else value


def _camt_entry(element: Any, details: Sequence[Any], amount: Decimal, currency: str, booked: date) -> Entry:
    """With the words of its first transaction and the references of every one in it."""
    first = details[:1]
    own = (_text(element, "NtryRef"), _text(element, "AcctSvcrRef"))
    names = ("EndToEndId", "TxId", "InstrId", "MndtId", "AcctSvcrRef", "PmtInfId")
    refs = [_text(each, f"Refs/{name}") for each in details for name in names]
    said = [" ".join((told.text or "").split()) for each in first for told in each.findall("RmtInf/Ustrd")]
    said += [_text(each, path) for each in first for path in ("RmtInf/Strd/CdtrRefInf/Ref", "AddtlTxInf")]
    said.append(_text(element, "AddtlNtryInf"))
    party = "RltdPties/Dbtr" if amount > 0 else "RltdPties/Cdtr"
    parties = (_text(each, f"{party}/Nm") or _text(each, f"{party}/Pty/Nm") for each in details)
    kept = tuple(dict.fromkeys(each for each in (*refs, *own) if each and each != "NOTPROVIDED"))
    original, its_currency = _camt_original(details[0] if len(details) == 1 else element, amount, currency)
    return Entry(
        booked, amount, currency, original_amount=original, original_currency=its_currency,
        value_on=_day(element, "ValDt"), text=" ".join(filter(None, said))[:500],
        counterparty=next(filter(None, parties), "")[:200],
        ref=(own[1] or own[0] or next(iter(kept), ""))[:120], refs=tuple(each[:120] for each in kept[:50]),
    )  # fmt: skip


def _camt_original(element: Any, amount: Decimal, currency: str) -> tuple[Decimal | None, str]:
    """What was sent, where the bank turned it into the account's currency: AmtDtls says both."""
    for path in ("InstdAmt", "TxAmt", "CntrValAmt"):
        found = element.find(f"AmtDtls/{path}/Amt")
        if found is not None and found.get("Ccy", currency) != currency:
            value = documents.amount((found.text or "").strip(), 0, f"AmtDtls, {path}")
            return (-abs(value) if amount < 0 else abs(value)), figures.known_currency(found.get("Ccy", ""), 0)
    return None, ""


# --- MT940 ---------------------------------------------------------------------------------------------------------


def swift(content: bytes, terms: Terms) -> list[Statement]:
    """Every message of the file, read by the library that knows the dialects of banks."""
    text = tables.decoded(content, terms.encoding)
    if ":20:" not in text or (":61:" not in text and ":60" not in text):
        raise Refused("It is no MT940: the fields :20: and :60: are missing.")
    found = []
    for message in re.split(r"(?m)^(?=(?:\{1:.*)?:20:)", text):
        if ":20:" not in message:
            continue
        _as_documented(message)
        try:
            found.append(_swift_statement(mt940.models.Transactions(), message))
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001  (the library raises whatever its tags raise)
            said = next((each for each in reversed(error.args) if isinstance(each, str)), str(error))
            raise Refused(f"It can't be read as MT940: {said}"[:300]) from None
    return [_balanced(each) for each in found]


def _as_documented(message: str) -> None:
    """What the library reads past: an amount with a decimal point loses its cents, and what ends early has no end."""
    for number, line in enumerate(message.splitlines(), start=1):
        if re.match(r":6[0-9][FM]?:.*?[0-9]\.[0-9]{2}(\D|$)", line) and not re.match(r":61:[^,]*,", line):
            raise Refused(f"{line[:60]!r}: a decimal point, where MT940 has a comma.", number, Rule.DECIMAL_COMMA)
        if line.startswith(":61:") and any(dash in line[:30] for dash in figures.DASHES):
            raise Refused(f"{line[:60]!r} has a dash where a D belongs.", number, Rule.UNICODE_MINUS)
    if not re.search(r"(?m)^:62[FM]:", message):
        raise Refused("It ends before its closing balance (:62F:): the file was cut off.")


def _swift_statement(reader: Any, message: str) -> Statement:
    reader.parse(message)
    data = reader.data
    opening = data.get("final_opening_balance") or data.get("intermediate_opening_balance")
    closing = data.get("final_closing_balance") or data.get("intermediate_closing_balance")
    entries = tuple(_swift_entry(each.data) for each in reader if each.data.get("amount") is not None)
    found = Statement(
        form="mt940", account=str(data.get("account_identification") or ""),
        ref="/".join(filter(None, (str(data.get(k) or "") for k in ("transaction_reference", "statement_number")))),
        currency=opening.amount.currency if opening else next((entry.currency for entry in entries), ""),
        opening=opening.amount.amount if opening else None, closing=closing.amount.amount if closing else None,
        starts_on=opening.date if opening else None, ends_on=closing.date if closing else None, entries=entries,
    )  # fmt: skip
    return _one_currency(found, [each.amount.currency for each in (opening, closing) if each])


def _swift_entry(data: dict[str, Any]) -> Entry:
    said = [data.get(key) for key in ("purpose", "additional_purpose", "transaction_details", "extra_details")]
    if not any(said):
        said = [data.get("posting_text")]
    refs = [
        data.get(key) for key in ("end_to_end_reference", "customer_reference", "bank_reference", "mandate_reference")
    ]
    kept = tuple(dict.fromkeys(str(each)[:120] for each in refs if each and each != "NONREF"))
    value = data["date"]
    booked = data.get("guessed_entry_date") or data.get("entry_date") or value
    amount = data["amount"].amount
    if data.get("status") == "RC":  # a credit that is taken back is a debit
        amount = -abs(amount)
    words = " ".join(" ".join(str(each).split()) for each in said if each)
    original, its_currency = _swift_original(words, amount, data["amount"].currency)
    return Entry(
        date(booked.year, booked.month, booked.day), amount, data["amount"].currency, original_amount=original,
        original_currency=its_currency,
        value_on=date(value.year, value.month, value.day),
        text=words[:500],
        counterparty=str(data.get("applicant_name") or "")[:200],
        ref=str(data.get("bank_reference") or next(iter(kept), ""))[:120], refs=kept,
    )  # fmt: skip


def _swift_original(words: str, amount: Decimal, currency: str) -> tuple[Decimal | None, str]:
    """The original amount of the transaction, as field 86 carries it: /OCMT/EUR149,15/."""
    found = re.search(r"/OCMT/([A-Z]{3}) ?([0-9]{1,15}(?:,[0-9]{0,4})?)(?=/|\s|$)", words)
    if found is None or found[1] == currency:
        return None, ""
    value = Decimal(found[2].replace(",", "."))
    return (-value if amount < 0 else value), figures.known_currency(found[1], 0)


# --- CSV -----------------------------------------------------------------------------------------------------------


def columns(content: bytes, terms: Terms) -> list[Statement]:
    """A bank's CSV by a stated mapping: which column is the day, which the amount (or which two)."""
    table = tables.read(content, encoding=terms.encoding)
    named = {name: tables.key(title) for name, title in terms.columns.items() if title and name in BANK_COLUMNS}
    if "date" not in named or not {"amount", "credit"} & set(named):
        raise Refused("State which column is the day and which the amount.", rule=Rule.TERMS_UNSTATED)
    if missing := [title for title in named.values() if title not in table.columns]:
        raise Refused(f"It lacks the columns {', '.join(missing)}.")
    if not table.rows:
        raise Refused("It holds no entry.")
    amounts = [named[name] for name in ("amount", "credit", "debit", "balance", "original_amount") if name in named]
    numbers = figures.proven((row[column] for row in table.rows for column in amounts), terms.decimal)
    order = figures.day_order([row[named["date"]] for row in table.rows], terms.dates)
    entries = tuple(_csv_entry(row, named, numbers, order, terms) for row in table.rows)
    ids = tables.rounded_ids(table.rows, [named["ref"]] if "ref" in named else [])
    if faults := [*table.faults, *numbers.faults, *ids]:
        raise Refused(faults[0].message, faults[0].row, faults[0].rule)
    days = [entry.booked_on for entry in entries]
    counts = Counter(entry.currency for entry in entries).most_common()
    if len(counts) == 2 and counts[1][1] == 1 < counts[0][1]:
        row = next(n for n, entry in enumerate(entries) if entry.currency == counts[1][0])
        words = f"The only entry in {counts[1][0]} of a statement in {counts[0][0]}."
        raise Refused(words, table.rows[row].number, Rule.CURRENCY_MIXED)
    found = Statement(
        form="csv", account=terms.account, ref=f"{min(days)}/{max(days)}", entries=entries, currency=counts[0][0],
        starts_on=min(days), ends_on=max(days),
    )  # fmt: skip
    return [_chained(found, table.rows, named, numbers)]


def _chained(
    found: Statement, rows: Sequence[tables.Row], named: dict[str, str], numbers: figures.Numbers
) -> Statement:
    """With the balances before its first entry and after its last, and with faults where the balance after an entry
    doesn't follow from the one before; a bank may write the newest first."""
    entries = found.entries
    if "balance" not in named or not all(row[named["balance"]] for row in rows):
        return found
    told = [
        (row.number, entry, numbers.amount(row[named["balance"]], row.number, "balance"))
        for row, entry in zip(rows, entries, strict=True)
    ]
    down, up = _breaks(told), _breaks(told[::-1])
    turned = len(up) < len(down) or (not up and not down and told[0][1].booked_on > told[-1][1].booked_on)
    (_, first, after), (_, _, closing) = (told[-1], told[0]) if turned else (told[0], told[-1])
    whole = len({entry.currency for entry in entries}) == 1
    return replace(
        found, faults=tuple(up if turned else down)[:50],
        opening=after - first.amount if whole else None, closing=closing if whole else None,
    )  # fmt: skip


def _breaks(told: Sequence[tuple[int, Entry, Decimal]]) -> list[Fault]:
    found: list[Fault] = []
    last: dict[str, tuple[Entry, Decimal]] = {}
    for number, entry, balance in told:
        before = last.get(entry.currency)
        if before is not None and (off := balance - before[1] - entry.amount):
            words = f"The balance after {entry.amount} is {balance}; before it, it was {before[1]}."
            again = before[0] == entry and before[1] == balance
            near = abs(off) <= figures.unit(entry.currency) * 5
            rule = Rule.LINE_DOUBLED if again else Rule.CENT_SHIFTED if near else Rule.LINE_MISSING
            found.append(Fault(rule, f"Row {number}: {words}", number))
        last[entry.currency] = (entry, balance)
    return found


def _csv_entry(row: tables.Row, named: dict[str, str], numbers: figures.Numbers, order: str, terms: Terms) -> Entry:
    def cell(name: str) -> str:
        return row[named[name]] if name in named else ""

    amount = numbers.amount(cell("amount"), row.number, "amount", needed="amount" in named)
    if "amount" not in named and not (cell("credit") or cell("debit")):
        raise Refused("It has neither a credit nor a debit.", row.number)
    if side := cell("side").lower().rstrip("."):
        if side not in CREDITS | DEBITS:
            raise Refused(f"side: {side[:40]!r} says neither that it came in nor that it went out.", row.number)
        amount = abs(amount) if side in CREDITS else -abs(amount)
    if "amount" not in named:
        amount = abs(numbers.amount(cell("credit"), row.number, "credit"))
        amount -= abs(numbers.amount(cell("debit"), row.number, "debit"))
    day = figures.a_day(cell("date"), order, row.number)
    if day is None:
        raise Refused("It has no date.", row.number)
    currency = figures.known_currency(cell("currency") or terms.currency, row.number)
    original, sent = None, cell("original_currency").upper()
    if sent and sent != currency:
        sent = figures.known_currency(sent, row.number)
        value = abs(numbers.amount(cell("original_amount"), row.number, "original_amount", needed=True))
        original = -value if amount < 0 else value
    return Entry(
        day, amount, currency, original_amount=original, original_currency=sent if original is not None else "",
        value_on=figures.a_day(cell("value_date"), order, row.number), text=cell("text")[:500],
        counterparty=cell("counterparty")[:200], ref=cell("ref")[:120],
            refs=(cell("ref")[:120],) if cell("ref") else (),
    )  # fmt: skip
