"""What partners' systems say of our documents: TA1, 997, 999 and CONTRL. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from integrations.channels.edi.terms import EdiTerms
from integrations.channels.meaning import JudgeDocument, Meaning, ignored
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files import edifact, x12
from integrations.files.edifact import Message
from integrations.files.x12 import Segment, Transaction
from integrations.reading import shown

Verdict = Literal["ACCEPTED", "ERRORS", "REFUSED"]
# AK501 and AK901, elements 717 and 715.
_X12: dict[str, Verdict] = {
    "A": "ACCEPTED", "E": "ERRORS", "P": "ERRORS", "R": "REFUSED", "M": "REFUSED", "W": "REFUSED", "X": "REFUSED",
}  # fmt: skip
# UCI, UCF and UCM 0083, with those of releases before D.00 that partners still write. 8 is only a receipt.
_EDIFACT: dict[str, Verdict] = {
    "1": "ACCEPTED", "2": "ERRORS", "3": "REFUSED", "4": "REFUSED", "5": "ACCEPTED", "6": "REFUSED", "7": "ACCEPTED",
    "8": "ACCEPTED",
}  # fmt: skip
_RECEIVED = "8"
_ACTION_AT = {"UCI": 4, "UCF": 4, "UCM": 3}
_ERROR_AT = {"UCI": 5, "UCF": 5, "UCM": 4, "UCS": 2, "UCD": 1}
# What the codes of 997 and, after the comma, 999 say, by what they speak of: a set (element 718, 618), a group (716), a
# segment (720, 620) and an element (723, 621).
_SET = {
    "1": "the document is not supported", "2": "the trailer is missing", "3": "control numbers differ",
    "4": "segments are miscounted", "5": "segments are in error", "6": "the kind of document is missing or wrong",
    "7": "the control number is missing or wrong", "19": "the implementation's name is wrong",
    "23": "the control number was used before", "I5": "segments are in error for its implementation",
    "I6": "the implementation is not supported",
}  # fmt: skip
_GROUP = {
    "1": "the group is not supported", "2": "the group's version is not supported",
    "3": "the group's trailer is missing", "4": "the group's control numbers differ", "5": "documents are miscounted",
    "6": "the group's control number is wrong", "19": "the group's control number was used before",
}  # fmt: skip
_SEGMENT = {
    "1": "is no segment", "2": "is unexpected", "3": "is missing", "4": "begins a loop too often",
    "5": "occurs too often", "6": "doesn't belong to this document", "7": "is out of order", "I4": "isn't used here",
    "I6": "is missing", "I7": "begins a loop too seldom", "I8": "occurs too seldom", "I9": "isn't used here",
}  # fmt: skip
_ELEMENT = {
    "1": "is missing", "2": "is missing beside what is there", "3": "is one element too many", "4": "is too short",
    "5": "is too long", "6": "has a character that may not be there", "7": "is a code they don't know",
    "8": "is no date", "9": "is no time", "10": "may not stand beside what is there", "12": "is repeated too often",
    "13": "is repeated too often", "I6": "is a code they don't use", "I9": "is missing", "I10": "isn't used here",
    "I11": "is repeated too seldom", "I12": "hasn't the agreed form", "I13": "isn't used here",
}  # fmt: skip
# TA105, element I18.
_INTERCHANGE = {
    "001": "control numbers of header and trailer differ", "002": "the standard is not supported",
    "003": "the version is not supported", "004": "the segment terminator is wrong",
    "005": "the sender's qualifier is wrong", "006": "the sender's id is wrong",
    "007": "the receiver's qualifier is wrong", "008": "the receiver's id is wrong", "009": "the receiver is unknown",
    "010": "the authorisation's qualifier is wrong",
    "011": "the authorisation is wrong",
    "012": "the security's qualifier is wrong", "013": "the security is wrong", "014": "the date is wrong",
    "015": "the time is wrong", "016": "the standard's name is wrong", "017": "the version is wrong",
    "018": "the control number is wrong", "019": "the request of an acknowledgement is wrong",
    "020": "the test indicator is wrong", "021": "groups are miscounted", "022": "segments are out of order",
    "023": "it breaks off", "024": "its contents are wrong", "025": "the control number was used before",
    "026": "the separator of elements is wrong", "027": "the separator of components is wrong",
    "028": "the day of delivery is wrong", "029": "the time of delivery is wrong",
    "030": "the time of delivery's code is wrong", "031": "the grade of service is wrong",
}  # fmt: skip


def interchanges(found: Sequence[x12.Interchange | edifact.Interchange]) -> Meaning | None:
    """TA1: the verdict on interchanges of ours as a whole; None where the file carries none.

    That one is accepted says nothing of the documents in it, whose 997 follows.
    """
    told = [
        segment
        for each in found
        if isinstance(each, x12.Interchange) and each.fault is None
        for segment in each.acknowledgements
    ]
    if not told:
        return None
    acts = tuple(filter(None, map(_whole, told)))
    if acts:
        return Meaning(acts=acts)
    return ignored(f"the partner's system took interchange {told[0][1]}; what it makes of its documents follows")


def _whole(ta1: Segment) -> JudgeDocument | None:
    if not ta1[1].isdigit():
        raise _bad(ta1, f"names no interchange of ours: {shown(ta1[1])}")
    if ta1[4] not in {"A", "E", "R"}:
        raise _bad(ta1, f"is no verdict Backroom knows: {shown(ta1[4])}")
    if ta1[4] == "A":
        return None
    words = _words_of(_INTERCHANGE, ta1[5])
    return JudgeDocument(int(ta1[1]), "REFUSED" if ta1[4] == "R" else "ERRORS", f"the interchange: {words}")


def functional(found: Transaction, terms: EdiTerms) -> Meaning:
    """997 or 999: the verdict on one group of ours, which holds one document, and where the document is wrong."""
    ak1 = next((each for each in found.segments if each.name == "AK1"), None)
    ak9 = next((each for each in found.segments if each.name == "AK9"), None)
    if ak1 is None or ak9 is None:
        raise _bad(found.segments[0], "is no acknowledgement: AK1 or AK9 is missing")
    if not ak1[2].isdigit():
        raise _bad(ak1, f"names no group of ours: {shown(ak1[2])}")
    verdict = _X12.get(ak9[1])
    sets = [each for each in found.segments if each.name in {"AK5", "IK5"}]
    if verdict is None or any(each[1] not in _X12 for each in sets):
        raise _bad(ak9, f"is no verdict Backroom knows: {shown(ak9[1])}")
    verdict = _gravest([verdict, *(_X12[each[1]] for each in sets)])
    return Meaning(acts=(JudgeDocument(int(ak1[2]), verdict, _words(found)),))


def _gravest(said: Sequence[Verdict]) -> Verdict:
    return "REFUSED" if "REFUSED" in said else "ERRORS" if "ERRORS" in said else "ACCEPTED"


def _words(found: Transaction) -> str:
    said: list[str] = []
    where, component = "", found.interchange.component
    for segment in found.segments:
        match segment.name:
            case "AK3" | "IK3":
                where = f"segment {segment[2]} {segment[1]}"
                if segment[4] != "8":
                    said.append(f"{where} {_words_of(_SEGMENT, segment[4])}")
            case "AK4" | "IK4":
                held = f", {segment[4]!r}" if segment[4] else ""
                at = segment[1].partition(component or ":")[0]
                said.append(f"{where}{at.zfill(2)} {_words_of(_ELEMENT, segment[3])}{held}")
            case "AK5" | "IK5":
                said += [_words_of(_SET, segment[n]) for n in range(2, 7) if segment[n]]
            case "AK9":
                said += [_words_of(_GROUP, segment[n]) for n in range(5, 10) if segment[n]]
    return "; ".join(dict.fromkeys(said))[:500]


def _words_of(table: Mapping[str, str], code: str) -> str:
    """The code in words; the code itself where the standard has none of it that we know."""
    return f"{table[code]} ({code})" if code in table else f"error {code}"


def contrl(found: Message, terms: EdiTerms) -> Meaning:
    """CONTRL: the verdict on one interchange of ours."""
    uci = next((each for each in found.segments if each.name == "UCI"), None)
    if uci is None or not uci.get(1).isdigit():
        where = found.segments[0]
        raise Unreadable(FailureClass.BAD_VALUE, Fault(where.path, "names no interchange of ours"))
    said = [each for each in found.segments if each.name in {"UCI", "UCM", "UCF"}]
    actions = [each.get(_ACTION_AT[each.name]) for each in said]
    if any(action not in _EDIFACT for action in actions):
        raise Unreadable(FailureClass.BAD_VALUE, Fault(uci.path, f"is no verdict Backroom knows: {shown(actions[0])}"))
    if actions == [_RECEIVED]:
        return ignored(f"the partner's system received interchange {uci.get(1)}; what it makes of it follows")
    verdict = _gravest([_EDIFACT[action] for action in actions])
    errors = [
        f"{each.name} error {code}"
        for each in found.segments
        if each.name in _ERROR_AT and (code := each.get(_ERROR_AT[each.name]))
    ]
    return Meaning(acts=(JudgeDocument(int(uci.get(1)), verdict, "; ".join(errors)[:500]),))


def _bad(segment: Segment, words: str) -> Unreadable:
    return Unreadable(FailureClass.BAD_VALUE, Fault(segment.path, words))
