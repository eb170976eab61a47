"""The demo retailer's range and places: invented, deterministic, and shaped like a real one.

Pure: nothing here touches the database, so the simulator and the seed agree on every SKU without asking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random

COLOURS = (
    ("Navy", "NVY"), ("Oat", "OAT"), ("Rust", "RST"), ("Moss", "MOS"), ("Ink", "INK"), ("Chalk", "CHK"),
    ("Slate", "SLT"), ("Plum", "PLM"), ("Sand", "SND"), ("Clay", "CLY"), ("Fern", "FRN"), ("Ochre", "OCH"),
    ("Mist", "MST"), ("Coal", "COL"), ("Brick", "BRK"), ("Teal", "TEA"),
)  # fmt: skip
CLOTHES = ("XS", "S", "M", "L", "XL")
SHOES = ("37", "38", "39", "40", "41", "42", "43", "44")
ONE = ("",)


@dataclass(frozen=True, slots=True)
class Style:
    code: str
    name: str
    family: str
    price: Decimal
    weight_grams: int
    sizes: tuple[str, ...]
    colours: int


def _style(code: str, name: str, family: str, price: str, weight: int, sizes: tuple[str, ...], colours: int) -> Style:
    return Style(code, name, family, Decimal(price), weight, sizes, colours)


STYLES = (
    _style("CHJ", "Chore jacket", "Outerwear", "89.00", 780, CLOTHES, 15),
    _style("FLD", "Field coat", "Outerwear", "149.00", 1240, CLOTHES, 13),
    _style("RNC", "Rain cape", "Outerwear", "119.00", 690, CLOTHES, 13),
    _style("QLT", "Quilted gilet", "Outerwear", "79.00", 460, CLOTHES, 14),
    _style("PEA", "Pea coat", "Outerwear", "189.00", 1580, CLOTHES, 11),
    _style("OXF", "Oxford shirt", "Shirts", "55.00", 310, CLOTHES, 15),
    _style("FLN", "Flannel shirt", "Shirts", "59.00", 360, CLOTHES, 15),
    _style("GRD", "Grandad shirt", "Shirts", "52.00", 290, CLOTHES, 13),
    _style("LIN", "Linen shirt", "Shirts", "65.00", 240, CLOTHES, 14),
    _style("TEE", "Heavy tee", "Jersey", "25.00", 220, CLOTHES, 16),
    _style("LST", "Long-sleeve tee", "Jersey", "29.00", 250, CLOTHES, 16),
    _style("SWT", "Loopback sweatshirt", "Jersey", "62.00", 520, CLOTHES, 15),
    _style("HOD", "Zip hoodie", "Jersey", "72.00", 610, CLOTHES, 15),
    _style("CRW", "Lambswool crew", "Knitwear", "85.00", 420, CLOTHES, 16),
    _style("CRD", "Shawl cardigan", "Knitwear", "110.00", 640, CLOTHES, 13),
    _style("RLN", "Roll neck", "Knitwear", "79.00", 410, CLOTHES, 14),
    _style("FSH", "Fisherman jumper", "Knitwear", "120.00", 790, CLOTHES, 12),
    _style("CHN", "Chinos", "Trousers", "69.00", 480, CLOTHES, 15),
    _style("CRT", "Cord trousers", "Trousers", "75.00", 560, CLOTHES, 14),
    _style("DNM", "Straight jeans", "Trousers", "89.00", 720, CLOTHES, 11),
    _style("SHT", "Camp shorts", "Trousers", "49.00", 290, CLOTHES, 14),
    _style("WLT", "Wool trousers", "Trousers", "99.00", 510, CLOTHES, 12),
    _style("MID", "Midi skirt", "Dresses", "65.00", 340, CLOTHES, 13),
    _style("WRP", "Wrap dress", "Dresses", "95.00", 410, CLOTHES, 13),
    _style("SHD", "Shirt dress", "Dresses", "89.00", 430, CLOTHES, 13),
    _style("PIN", "Pinafore", "Dresses", "79.00", 520, CLOTHES, 12),
    _style("DRB", "Derby shoe", "Shoes", "135.00", 1120, SHOES, 7),
    _style("CHB", "Chelsea boot", "Shoes", "159.00", 1340, SHOES, 7),
    _style("TRN", "Court trainer", "Shoes", "95.00", 840, SHOES, 9),
    _style("SLP", "Wool slipper", "Shoes", "45.00", 380, SHOES, 8),
    _style("BNI", "Ribbed beanie", "Accessories", "24.00", 90, ONE, 14),
    _style("SCF", "Wool scarf", "Accessories", "39.00", 180, ONE, 14),
    _style("GLV", "Knitted gloves", "Accessories", "22.00", 80, ("S", "M", "L"), 12),
    _style("BLT", "Bridle belt", "Accessories", "45.00", 210, ("S", "M", "L"), 8),
    _style("SCK", "Boot socks", "Accessories", "14.00", 110, ("S", "M", "L"), 14),
    _style("TOT", "Canvas tote", "Accessories", "28.00", 320, ONE, 12),
    _style("RCK", "Waxed rucksack", "Accessories", "129.00", 1180, ONE, 9),
    _style("WAL", "Card wallet", "Accessories", "35.00", 70, ONE, 10),
    _style("THR", "Wool throw", "Home", "85.00", 1400, ONE, 12),
    _style("CSH", "Linen cushion", "Home", "38.00", 620, ONE, 14),
    _style("MUG", "Stoneware mug", "Home", "16.00", 410, ONE, 12),
    _style("CND", "Soy candle", "Home", "24.00", 480, ONE, 10),
    _style("LMP", "Ash floor lamp", "Home", "160.00", 4300, ONE, 7),
    _style("TWL", "Waffle towel", "Home", "32.00", 560, ("Hand", "Bath"), 12),
    _style("APR", "Work apron", "Home", "42.00", 380, ONE, 10),
)


@dataclass(frozen=True, slots=True)
class Product:
    sku: str
    gtin: str
    name: str
    colour: str
    size: str
    family: str
    price: Decimal
    weight_grams: int


def gtin13(number: int) -> str:
    """A GTIN-13 in the range GS1 keeps for use inside one company (prefix 20), with its check digit."""
    body = f"20{number:010d}"
    odd_even = sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(body))
    return body + str(-odd_even % 10)


def products() -> Iterator[Product]:
    """Every variant of every style, always in the same order: about two thousand."""
    number = 1000
    for style in STYLES:
        for colour, short in COLOURS[: style.colours]:
            for size in style.sizes:
                number += 1
                sku = "-".join(part for part in (style.code, short, size.upper()[:4]) if part)
                name = f"{style.name}, {colour}" + (f" {size}" if size else "")
                yield Product(sku, gtin13(number), name, colour, size, style.family, style.price, style.weight_grams)


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    name: str
    kind: str  # as inventory.Location.kind
    time_zone: str
    country: str
    city: str
    postcode: str
    lat: float
    lon: float
    priority: int


PLACES = (
    Place("DC-WAKEFIELD", "DC Wakefield", "WAREHOUSE", "Europe/London", "GB", "Wakefield", "WF2 0XY", 53.68, -1.50, 10),
    Place("DC-TILBURG", "DC Tilburg", "WAREHOUSE", "Europe/Amsterdam", "NL", "Tilburg", "5048 AA", 51.58, 5.05, 12),
    Place("3PL-DAVENTRY", "Northway 3PL Daventry", "THIRD_PARTY", "Europe/London", "GB", "Daventry", "NN11 8YL", 52.26, -1.16, 20),
    Place("ST-LEEDS-BRIGGATE", "Leeds Briggate", "STORE", "Europe/London", "GB", "Leeds", "LS1 6HQ", 53.797, -1.542, 40),
    Place("ST-LEEDS-WHITEROSE", "Leeds White Rose", "STORE", "Europe/London", "GB", "Leeds", "LS11 8LL", 53.759, -1.573, 42),
    Place("ST-YORK-CONEY", "York Coney Street", "STORE", "Europe/London", "GB", "York", "YO1 9QL", 53.959, -1.084, 44),
    Place("ST-MANCHESTER", "Manchester Deansgate", "STORE", "Europe/London", "GB", "Manchester", "M3 2BQ", 53.483, -2.247, 46),
    Place("ST-LONDON-SOHO", "London Soho", "STORE", "Europe/London", "GB", "London", "W1F 9TN", 51.513, -0.135, 48),
    Place("ST-LONDON-SHOREDITCH", "London Shoreditch", "STORE", "Europe/London", "GB", "London", "E1 6JE", 51.524, -0.075, 50),
    Place("ST-BRISTOL", "Bristol Park Street", "STORE", "Europe/London", "GB", "Bristol", "BS1 5NT", 51.455, -2.603, 52),
    Place("ST-EDINBURGH", "Edinburgh George Street", "STORE", "Europe/London", "GB", "Edinburgh", "EH2 2LR", 55.953, -3.199, 54),
    Place("ST-DUBLIN", "Dublin Drury Street", "STORE", "Europe/Dublin", "IE", "Dublin", "D02 XY88", 53.342, -6.263, 56),
    Place("ST-UTRECHT", "Utrecht Oudegracht", "STORE", "Europe/Amsterdam", "NL", "Utrecht", "3511 AB", 52.089, 5.120, 58),
    Place("ST-AMSTERDAM", "Amsterdam Haarlemmerstraat", "STORE", "Europe/Amsterdam", "NL", "Amsterdam", "1013 EW", 52.382, 4.888, 60),
    Place("ST-ANTWERP", "Antwerp Kammenstraat", "STORE", "Europe/Brussels", "BE", "Antwerp", "2000", 51.217, 4.400, 62),
)  # fmt: skip

FIRST = ("Nadia", "Tom", "Amira", "Joost", "Priya", "Owen", "Marta", "Chen", "Femke", "Sean", "Helen", "Idris", "Lotte", "Ravi",
         "Grace", "Milan", "Aoife", "Bram", "Yusuf", "Ines")  # fmt: skip
LAST = ("Osei", "Barker", "Khan", "Visser", "Shah", "Pritchard", "Oliveira", "Liu", "Jansen", "Byrne", "Reid", "Cole", "Bakker",
        "Menon", "Fletcher", "Novak", "Walsh", "Peeters", "Demir", "Marsh")  # fmt: skip
TOWNS = (
    ("GB", "Leeds", "LS6 2AB", "14 Ashwood Terrace"), ("GB", "York", "YO24 1AW", "3 Mill Lane"),
    ("GB", "Sheffield", "S11 8TR", "77 Hollis Road"), ("GB", "London", "SE15 4QL", "9 Copeland Yard"),
    ("GB", "Bristol", "BS6 5RN", "21 Cotham Rise"), ("GB", "Glasgow", "G12 8QQ", "40 Byres Walk"),
    ("GB", "Norwich", "NR2 3LD", "6 Orchard Close"), ("NL", "Utrecht", "3581 KT", "Burgstraat 12"),
    ("NL", "Rotterdam", "3012 CL", "Kade 88"), ("NL", "Groningen", "9711 LM", "Visserstraat 5"),
    ("BE", "Ghent", "9000", "Korenlei 19"), ("IE", "Cork", "T12 W8PD", "2 Grattan Quay"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Buyer:
    first: str
    last: str
    email: str
    phone: str
    country: str
    city: str
    postcode: str
    street: str


def buyer(random: Random) -> Buyer:
    """An invented customer: reserved e-mail domain, reserved (Ofcom drama) telephone numbers."""
    first, last = random.choice(FIRST), random.choice(LAST)
    country, city, postcode, street = random.choice(TOWNS)
    number = random.randrange(1000)
    return Buyer(
        first,
        last,
        f"{first}.{last}{number}@example.com".lower(),
        f"+44 7700 900{number:03d}",
        country,
        city,
        postcode,
        street,
    )
