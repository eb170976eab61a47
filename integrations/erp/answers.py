"""What an ERP's refusals mean: whether time heals them, what kind they are, and which field they name. Pure.

An ERP documents codes; a Table says what each means, by how it begins: the longest beginning that fits decides. Where a
code covers everything its rules refuse, words tell cases apart that people deal with otherwise. What no line of the
table knows is about the data: a person looks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import TryLater
from integrations.erp.calls import Refused
from integrations.failures import FailureClass
from integrations.http import FailedForGood

SAID_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Later:
    """Time heals it: so many seconds."""

    seconds: float


Meaning = FailureClass | Later


@dataclass(frozen=True)
class Table:
    """One ERP's codes, words and the places where it names a field."""

    name: str
    codes: Mapping[str, Meaning]
    words: Sequence[tuple[str, Meaning]] = ()  # patterns, in their order; case doesn't matter
    fields: Sequence[str] = field(default_factory=tuple)  # patterns whose first group is the field's name; likewise

    def meaning(self, codes: Iterable[str], words: str) -> Meaning:
        """Of several codes the first the table knows; a general one gives way to what the words say."""
        fitting = [max((each for each in self.codes if code.startswith(each)), key=len, default="") for code in codes]
        known = next((self.codes[each] for each in fitting if each), FailureClass.BAD_VALUE)
        if known != FailureClass.BAD_VALUE:
            return known
        return next((told for pattern, told in self.words if re.search(pattern, words, re.IGNORECASE)), known)

    def named(self, words: str) -> str:
        """The field the words speak of; empty where they name none."""
        found = next((match for pattern in self.fields if (match := re.search(pattern, words, re.IGNORECASE))), None)
        return found[1].strip() if found else ""

    def judge(self, codes: Sequence[str], words: str, asked: str, *, named: str = "") -> Exception:
        """The answer as what is raised for it."""
        meaning = self.meaning([code for code in codes if code], words)
        if isinstance(meaning, Later):
            return TryLater(f"{self.name} was busy with it: {words}"[:SAID_AT_MOST], seconds=meaning.seconds)
        if meaning == FailureClass.AUTHENTICATION:
            refused = f"{self.name} refuses it to our user: {words}"
            return FailedForGood(FailureClass.AUTHENTICATION, refused[:SAID_AT_MOST], status=403)
        return Refused(words, asked=asked, failure_class=meaning, field=named or self.named(words))
