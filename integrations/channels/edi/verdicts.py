"""What partners' systems say of our documents: 997, 999 and CONTRL. Pure."""

from __future__ import annotations

from typing import Literal

from integrations.channels.edi.terms import EdiTerms
from integrations.channels.meaning import JudgeDocument, Meaning
from integrations.failures import FailureClass, Fault, Unreadable
from integrations.files.edifact import Message
from integrations.files.x12 import Segment, Transaction
from integrations.reading import shown

Verdict = Literal["ACCEPTED", "ERRORS", "REFUSED"]
# AK501 and AK901, elements 717 and 715.
_X12: dict[str, Verdict] = {
    "A": "ACCEPTED", "E": "ERRORS", "P": "ERRORS", "R": "REFUSED", "M": "REFUSED", "W": "REFUSED", "X": "REFUSED",
}  # fmt: skip
# UCI and UCM 0083.
_EDIFACT: dict[str, Verdict] = {"4": "REFUSED", "7": "ACCEPTED", "8": "ACCEPTED", "3": "REFUSED", "6": "ACCEPTED"}
_ERRORS = {
    "1": "not supported", "2": "the trailer is missing", "3": "control numbers differ", "4": "segments are miscounted",
    "5": "segments are in error", "6": "no such functional group", "7": "the control number is missing or wrong",
}  # fmt: skip


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
    if any(_X12[each[1]] == "ERRORS" for each in sets) and verdict == "ACCEPTED":
        verdict = "ERRORS"
    if any(_X12[each[1]] == "REFUSED" for each in sets):
        verdict = "REFUSED"
    return Meaning(acts=(JudgeDocument(int(ak1[2]), verdict, _words(found.segments)),))


def _words(segments: list[Segment]) -> str:
    said: list[str] = []
    where = ""
    for segment in segments:
        match segment.name:
            case "AK3" | "IK3":
                where = f"segment {segment[2]} {segment[1]}"
                if segment[4] != "8":
                    said.append(f"{where}: error {segment[4]}")
            case "AK4" | "IK4":
                held = f", {segment[4]!r}" if segment[4] else ""
                said.append(f"{where}{segment[1].zfill(2)}: error {segment[3]}{held}")
            case "AK5" | "IK5" | "AK9":
                codes = [segment[n] for n in range(2 if segment.name != "AK9" else 5, 10) if segment[n]]
                said += [_ERRORS.get(code, f"error {code}") for code in codes]
    return "; ".join(dict.fromkeys(said))[:500]


def contrl(found: Message, terms: EdiTerms) -> Meaning:
    """CONTRL: the verdict on one interchange of ours."""
    uci = next((each for each in found.segments if each.name == "UCI"), None)
    if uci is None or not uci.get(1).isdigit():
        where = found.segments[0]
        raise Unreadable(FailureClass.BAD_VALUE, Fault(where.path, "names no interchange of ours"))
    said = [each for each in found.segments if each.name in {"UCI", "UCM", "UCF"}]
    actions = [each.get(4 if each.name == "UCI" else 3) for each in said]
    if any(action not in _EDIFACT for action in actions):
        raise Unreadable(FailureClass.BAD_VALUE, Fault(uci.path, f"is no verdict Backroom knows: {shown(actions[0])}"))
    refused = any(_EDIFACT[action] == "REFUSED" for action in actions)
    errors = [
        f"{each.name} error {code}"
        for each in found.segments
        if each.name in {"UCI", "UCM", "UCS", "UCD"}
        and (code := each.get({"UCI": 5, "UCM": 4, "UCS": 2, "UCD": 1}[each.name]))
    ]
    verdict: Verdict = "REFUSED" if refused else "ACCEPTED"
    return Meaning(acts=(JudgeDocument(int(uci.get(1)), verdict, "; ".join(errors)[:500]),))


def _bad(segment: Segment, words: str) -> Unreadable:
    return Unreadable(FailureClass.BAD_VALUE, Fault(segment.path, words))
