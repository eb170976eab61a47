"""What stands on a label, whatever it is printed with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sheet:
    """`sscc` is printed as GS1-128 with application identifier 00; `reference` as Code 128 for our own scanners."""

    carrier: str
    service: str
    sender: tuple[str, ...]
    receiver: tuple[str, ...]
    country: str
    postcode: str
    sscc: str
    reference: str
    parcel: str
    weight: str
    note: str = ""

    @property
    def element_string(self) -> str:
        return f"00{self.sscc}"

    @property
    def readable(self) -> str:
        """As GS1 prints it under the bars."""
        return f"(00) {self.sscc}"
