"""X12 and EDIFACT envelopes: whatever separates them, they say the same; what can't be right is named where it stands."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.failures import Unreadable
from integrations.files import edifact, x12

NAME = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=2, max_size=3).filter(
    lambda name: name not in {"ISA", "GS", "ST", "SE", "GE", "IEA", "TA"}
)
VALUE = st.text("abcXYZ019 .,-/", max_size=12).map(str.strip)


def x12_file(*sets: Sequence[tuple[str, ...]], between: str = "*", end: str = "~", control: str = "000000007") -> bytes:
    isa = ("ISA", "00", " " * 10, "00", " " * 10, "ZZ", "SENDER".ljust(15), "ZZ", "US".ljust(15), "260302", "0900",
           "U", "00401", control, "0", "P", ":")  # fmt: skip
    lines: list[tuple[str, ...]] = [isa, ("GS", "PO", "SENDER", "US", "20260302", "0900", "7", "X", "004010")]
    for n, segments in enumerate(sets, 1):
        ref = f"{n:04d}"
        lines += [("ST", "850", ref), *segments, ("SE", str(len(segments) + 2), ref)]
    lines += [("GE", str(len(sets)), "7"), ("IEA", "1", control)]
    return (end.join(between.join(line) for line in lines) + end).encode()


@given(
    sets=st.lists(st.lists(st.tuples(NAME, VALUE, VALUE), min_size=1, max_size=4), min_size=1, max_size=3),
    between=st.sampled_from("*|^+"),
    end=st.sampled_from(["~", "'", "\n", "\r\n", "\\", "!"]),
)
def test_an_x12_file_reads_the_same_after_it_was_written_again(sets, between, end):
    (read,) = x12.interchanges(x12_file(*sets, between=between, end=end))
    (again,) = x12.interchanges(read.written().encode())

    assert read.fault is None is again.fault
    assert [each.segments for each in read.transactions] == [each.segments for each in again.transactions]
    assert [[s.elements for s in each.segments[1:-1]] for each in read.transactions] == [list(each) for each in sets]
    for each in read.transactions:
        (alone,) = x12.transactions(read.written(only=each).encode())
        assert [s.elements for s in alone.segments] == [s.elements for s in each.segments]


@given(
    parts=st.lists(
        st.lists(st.lists(st.text("aA1 +:'?,.*~é", min_size=1, max_size=6), min_size=1, max_size=3), max_size=3),
        min_size=1, max_size=4,
    ),
    marks=st.sampled_from([edifact.Marks(), edifact.Marks("^", "|", ",", "\\", " ", "~")]),
)  # fmt: skip
def test_an_edifact_message_keeps_every_character_it_releases(parts, marks):
    kept = [tuple(("FTX",) if n == 0 else tuple(part) for n, part in enumerate([None, *each])) for each in parts]
    unb = (("UNB",), ("UNOY", "4"), ("A",), ("B",), ("260302", "0900"), ("7",))
    inside = [(("UNH",), ("1",), ("ORDERS", "D", "96A", "UN")), *kept, (("UNT",), (str(len(kept) + 2),), ("1",))]
    segments = [edifact.Segment(0, each) for each in (unb, *inside, (("UNZ",), ("1",), ("7",)))]
    text = marks.una + "".join(marks.written(segment) for segment in segments)

    (read,) = edifact.interchanges(text.encode())

    assert read.fault is None
    got = [
        [[segment.get(e, c) for c in range(len(kept[n][e]))] for e in range(1, len(kept[n]))]
        for n, segment in enumerate(read.messages[0].segments[1:-1])
    ]
    assert got == [[[value.strip() for value in part] for part in each[1:]] for each in kept]


def test_one_bad_set_and_one_bad_interchange_leave_the_others_whole():
    good, other = [("BEG", "00")], [("BEG", "01")]
    body = x12_file(good, other).replace(b"SE*3*0002", b"SE*9*0002")
    cut = x12_file(good, control="000000008").replace(b"GE*1*7", b"GE*4*7")

    first, second = x12.interchanges(body + b"\r\n" + cut)

    assert [each.fault and each.fault.reason for each in first.transactions] == [
        None, "segment 8 SE: counts 9 segments, there are 3",
    ]  # fmt: skip
    assert second.fault is not None
    assert second.fault.reason == "segment 16 GE: counts 4 transaction sets, there are 1"


def edifact_file(*lines: str, unt: str = "", una: str = "UNA:+.? '", unb: str = "UNOC:3") -> bytes:
    count = unt or str(len(lines) + 2)
    body = "'\n".join(
        [f"UNB+{unb}+A+B+260302:0900+7", "UNH+1+ORDERS:D:96A:UN", *lines, f"UNT+{count}+1", "UNZ+1+7", ""]
    )
    return f"{una}\n{body}".encode("latin-1")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (edifact_file("BGM+220+1+9", unt="9"), "segment 4 UNT: counts 9 segments, there are 3"),
        (edifact_file("BGM+220+1+9").replace(b"UNT+3+1", b"UNT+3+2"), "ends message '2', '1' is open"),
        (edifact_file("BGM+220+1+9").replace(b"UNZ+1", b"UNZ+2"), "counts 2 messages, there are 1"),
        (edifact_file("BGM+220+1+9")[:-10], "breaks off before its UNZ trailer"),
        (edifact_file("BGM+220+1+9").replace(b"UNH", b"BGM"), "stands outside of any message"),
        (edifact_file("BGM+220+1+9", unb="UNOQ:3"), "names the syntax 'UNOQ'"),
        (edifact_file("BGM+220+1\u00e9+9", unb="UNOA:3"), "0xE9) is no character of ascii"),
        (edifact_file("BGM+220+1+9", una="UNA++.? '"), "service string advice (UNA) can't be right"),
        (edifact_file("bgm+220+1+9"), "is no segment of EDIFACT"),
        (b"UNA:+.? 'HELLO", "where its UNB should be stands 'HELLO'"),
    ],
)
def test_what_can_not_be_right_in_edifact_is_named_by_its_segment(body, words):
    with pytest.raises(Unreadable) as refused:
        open_all(body)

    assert words in str(refused.value)


def open_all(body: bytes) -> None:
    for interchange in edifact.interchanges(body):
        for fault in (interchange.fault, *(each.fault for each in interchange.messages)):
            if fault:
                raise fault


def test_the_header_or_the_connection_says_the_code_page():
    body = edifact_file("NAD+BY+1++Caf\u00e9")

    (by_header,) = edifact.interchanges(body)
    (agreed,) = edifact.interchanges(body.decode("latin-1").encode("cp500"), code_page="cp500")

    assert by_header.messages[0].segments[1].get(4) == agreed.messages[0].segments[1].get(4) == "Caf\u00e9"
    with pytest.raises(Unreadable, match="names none: 'klingon'"):
        edifact.interchanges(body, code_page="klingon")
    with pytest.raises(Unreadable, match=r"byte 3 \(0xE9\) is no character of the agreed code page ascii"):
        x12.decoded(b"ISA\xe9", "ascii")


def test_a_partner_who_miscounts_may_be_forgiven_and_it_is_said():
    body = edifact_file("BGM+220+1+9", unt="9")

    (read,) = edifact.interchanges(body, forgiving=True)
    (found,) = x12.transactions(x12_file([("BEG", "00")]).replace(b"SE*3", b"SE*8"), forgiving=True)

    assert read.messages[0].remarks == ["segment 4 UNT counts 9 segments, there are 3."]
    assert found.remarks == ["segment 5 SE counts 8 segments, there are 3."]
