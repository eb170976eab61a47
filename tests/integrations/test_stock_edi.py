"""X12 846 as partners write it: other separators, cut, miscounted, dated to the day. It is exact, or it says where not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import Invalid
from integrations.channels.edi.translate import understand
from integrations.failures import Unreadable
from inventory.snapshots import Code, checked

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*US             *260302*0900*U*00401*000000007*0*P*:"
SET = (
    "ST*846*0001", "BIA*00*DD*REF1*20260302", "N1*WH*Main*92*LEEDS", "LIN*1*SK*COAT", "QTY*33*5*EA", "LIN*2*SK*CAP",
    "QTY*33*-2*EA", "CTT*2",
)  # fmt: skip


def document(*, lines: tuple[str, ...] = SET, se: int | None = None, ge: str = "1", iea: str = "1", end: str = "~"):
    count = len(lines) + 1 if se is None else se
    parts = [ISA, "GS*IB*SENDER*US*20260302*0900*7*X*004010", *lines, f"SE*{count}*0001", f"GE*{ge}*7",
             f"IEA*{iea}*000000007"]  # fmt: skip
    return (end + "\n").join([*parts, ""]).encode()


def changed(**swaps: str) -> tuple[str, ...]:
    return tuple(swaps.get(line.partition("*")[0], line) for line in SET)


@pytest.mark.parametrize(("between", "end"), [("*", "~"), ("|", "'"), ("~", "}"), ("\x1d", "\x1e"), ("+", "\r\n")])
def test_whatever_separates_it_says_the_same(between, end):
    body = document(end=end).replace(b"*", between.encode())

    *_, act = understand("", body).acts

    said = [(line.codes, line.place, line.status, line.quantity) for line in act.snapshot.lines]
    assert said == [((Code("COAT"),), "LEEDS", "QTY 33", 5), ((Code("CAP"),), "LEEDS", "QTY 33", -2)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (document(se=7), "counts 7 segments, there are 9"),
        (document(ge="2"), "counts 2 transaction sets, there are 1"),
        (document(iea="2"), "counts 2 groups, there are 1"),
        (document(lines=changed(CTT="CTT*3")), "counts 3 items, there are 2"),
        (document()[:-40], "breaks off before its IEA trailer"),
        (document().replace(b"GE*1*7~\n", b""), "before its group '7' has ended"),
        (document(lines=changed(QTY="QTY*33*5,0*EA")), "'5,0' is no whole number of units"),
        (document(lines=changed(QTY="QTY*33*\u22125*EA")), "is no whole number of units"),
        (document(lines=changed(QTY=f"QTY*33*{'9' * 15}*EA")), "is no whole number of units"),
        (document(lines=changed(BIA="BIA*00*DD*REF1*2026302")), "2026302  is no date"),
        (document(lines=changed(BIA="BIA*00*DD*REF1*20260230")), "20260230  is no date"),
        (document(lines=changed(LIN="LIN*1*ZZ*COAT")), "names the item by no code"),
        (b"UNA:+.? 'UNB+UNOC:3+A+B'", "breaks off before its UNZ trailer"),
        (b"sku,units\nCOAT,5\n", "neither X12 nor EDIFACT"),
    ],
)
def test_what_can_not_be_right_is_named_by_its_segment(body, words):
    with pytest.raises(Unreadable) as fault:
        understand("", body)

    assert words in str(fault.value)


def test_a_document_of_today_speaks_of_now_and_one_of_next_week_of_nothing():
    def moment_of(day: str, now: datetime = NOW):
        *_, act = understand("", document(lines=changed(BIA=f"BIA*00*DD*REF1*{day}"))).acts
        return checked(act.snapshot, now)

    assert moment_of("20260302") == NOW
    assert moment_of("20260301") == datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)
    later = NOW + timedelta(hours=1)
    assert moment_of("20260303", later) == later  # where the day begins first, tomorrow has begun
    for day in ("20260303", "20260309"):
        with pytest.raises(Invalid, match="Nobody can know"):
            moment_of(day)


def test_a_moment_given_to_the_minute_is_held_to_it():
    later = (NOW + timedelta(hours=3)).strftime("DTM*007*%Y%m%d*%H%M*UT")
    *_, act = understand("", document(lines=(*SET[:2], later, *SET[2:]))).acts

    with pytest.raises(Invalid, match="Nobody can know"):
        checked(act.snapshot, NOW)
