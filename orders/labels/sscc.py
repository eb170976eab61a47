"""Serial Shipping Container Codes: GS1 General Specifications, 2.2.1 and 7.9. Pure."""

from __future__ import annotations

DIGITS = 18


def check_digit(digits: str) -> int:
    """GS1's modulo 10: weights 3, 1, 3 … counted from the right."""
    return -sum(int(d) * (3 if n % 2 == 0 else 1) for n, d in enumerate(reversed(digits))) % 10


def make(prefix: str, extension: int, serial: int) -> str:
    """Extension digit, company prefix (4 to 12 digits), serial reference, check digit: eighteen digits.

    ValueError where the serial has outgrown its place: the next extension digit starts a new run.
    """
    if not (prefix.isascii() and prefix.isdigit() and 4 <= len(prefix) <= 12):
        raise ValueError("A GS1 company prefix has 4 to 12 digits.")
    room = DIGITS - 2 - len(prefix)
    if not 0 <= extension <= 9 or not 0 <= serial < 10**room:
        raise ValueError("No serial reference is left under this extension digit.")
    body = f"{extension}{prefix}{serial:0{room}d}"
    return f"{body}{check_digit(body)}"


def is_valid(code: str) -> bool:
    return len(code) == DIGITS and code.isascii() and code.isdigit() and check_digit(code[:-1]) == int(code[-1])
