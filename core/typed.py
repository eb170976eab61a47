"""What a person typed into a form or an address, read without guessing."""

from __future__ import annotations

from django.http import HttpRequest

from core.errors import Invalid, Problem, Refusal


def whole(text: str, digits: int = 9) -> int | None:
    """The whole number a text is, of at most so many digits; None for signs, other scripts' digits, anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def count(request: HttpRequest, name: str, least: int = 0) -> int:
    """The whole number sent under a name; Invalid (422) naming it for anything else, or for less than the least."""
    found = whole(request.POST.get(name, "").strip())
    if found is None or found < least:
        said = name.replace("_", " ").capitalize()
        raise Invalid([Problem(name, "range", f"{said} must be a whole number from {least}.")], status=422)
    return found


def version(request: HttpRequest) -> int | None:
    """The version of what the person saw when the form was drawn; None where the form carries none."""
    return whole(request.POST.get("v", ""))


def seen(request: HttpRequest) -> int:
    """The version of what the person saw. A form without one is damaged (400)."""
    found = version(request)
    if found is None:
        raise Refusal("bad_version", "The form is damaged. Load the page again.", status=400)
    return found


def words(request: HttpRequest, name: str, most: int = 200) -> str:
    """The text sent under a name, trimmed and cut, without what no database can hold."""
    return request.POST.get(name, "").replace("\0", "").strip()[:most]
