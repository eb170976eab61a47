"""What a SKU may look like, so that one article never hides behind two spellings."""

from __future__ import annotations

import unicodedata

from core.errors import Invalid, Problem

MAX_LENGTH = 100
# Letters of other scripts that print like these Latin ones. The database keeps SKUs unique after this mapping, too.
LOOK_ALIKES = "АВЕКМНОРСТХЅІЈаеорсухѕіјΑΒΕΖΗΙΚΜΝΟΡΤΥΧο"
CONFUSABLE_SCRIPTS = {"LATIN", "CYRILLIC", "GREEK"}
LATIN = "ABEKMHOPCTXSIJaeopcyxsijABEZHIKMNOPTYXo"


def normalise(sku: str) -> str:
    """Compatibility-compose (full-width letters become plain ones) and collapse the white space around and inside."""
    return " ".join(unicodedata.normalize("NFKC", sku).split())


def clean(sku: str, *, path: str = "sku") -> str:
    """The SKU as it may be stored, or Invalid: empty, too long, invisible characters, letters of several scripts."""
    normal = normalise(sku)
    if not normal:
        raise Invalid([Problem(path, "required", "A SKU can't be empty.")])
    if len(normal) > MAX_LENGTH:
        raise Invalid([Problem(path, "too_long", f"A SKU has at most {MAX_LENGTH} characters.")])
    if any(unicodedata.category(c)[0] == "C" or (c.isspace() and c != " ") for c in normal):
        raise Invalid([Problem(path, "invisible", "A SKU can't contain control or invisible characters.")])
    scripts = {unicodedata.name(c, "?").split()[0] for c in normal if c.isalpha()} & CONFUSABLE_SCRIPTS
    if len(scripts) > 1:
        raise Invalid([Problem(path, "mixed_scripts", f"A SKU can't mix alphabets ({', '.join(sorted(scripts))}).")])
    return normal
