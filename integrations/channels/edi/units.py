"""Units of measure and bases of prices, as X12 (elements 355 and 639) and UN/ECE Recommendation 20 and 21 code them.

A quantity counts units of the article as the buyer names it: a case of an article sold by the case is one. Where that
is another article's multiple, the connection's setting `units` says how many pieces one holds. A unit nobody knows is
refused, for nobody can say what is meant.
"""

from __future__ import annotations


def code_list(text: str) -> frozenset[str]:
    return frozenset(text.split())


PIECES = frozenset({"", "EA", "PC", "PCE", "PCS", "UN", "UNT", "C62", "H87", "NAR", "1N", "UNI"})

X12 = PIECES | code_list(
    # packed or counted
    "04 12 2W 5B AS AV AY B7 BA BC BD BG BK BN BO BR BS BX CA CG CH CL CN CQ CR CS CT CU CX CY DE DI DP DR DS DZ EV GS "
    "HU IP JR JU KE KT LK LO LS OA OP P3 P4 P5 P6 P7 P8 P9 PA PD PF PH PK PL PR RE RL RM RO SA SE SH SK SL SO SP SS ST "
    "SV SX TB TE TH TK TR TU TY U2 VI WE Z3 "
    # measured
    "01 02 50 BF C3 CC CF CI CM CO CW D3 DK DL DM FT GA GR GT HL IN KG LB LF LM LT MC ME ML MM MR MT MX ON OZ PN PT PU "
    "PY QT SC SF SI SM SY TN TO TS YD "
    # time and services
    "DA HR MJ MO WK YR ZZ"
)
EDIFACT = PIECES | code_list(
    "AB AE AF AM AT BA BC BE BF BG BH BI BJ BK BL BN BO BR BS BX BZ CA CB CC CF CG CH CI CJ CL CN CO CP CR CS CT CU CV "
    "CX CY DJ DP DR DZN DZP EN FI FL FR GB GRO GRS JC JG JR JT JY KG KGM GRM TNE MGM LTR MLT CLT DLT HLT MTR CMT MMT "
    "KMT INH FOT YRD MTK CMK FTK YDK MTQ DMQ CMQ LBR ONZ GLL GLI PTI PTL QTL LG LZ MB MC MIL MS MT MX NE NF NG NMP NPR "
    "NRL NPL NBB NCL NIU OPM PA PB PC PCB PD PE PF PG PH PI PJ PK PL PN PO PR PT PU PX PY PZ QD QS RD RG RL RM RO RT "
    "RZ SA SC SD SE SET SH SK SL SM ST "
    "STI SU SW SZ TB TC TD TK TN TO TR TS TU TV TY TZ VI VO VP VR XBX XCT XCS XPK XPX "
    "XBG XBO XPA XRO XCR DAY HUR MIN MON ANN 5H KT PAL TU CU DU COL PCK CTN CAR BOX ROL ZZZ"
)

# Bases of unit prices that state the price of several, and how many.
PRICE_OF = {
    "LD": 12, "PD": 12, "RD": 12, "TD": 12, "WD": 12, "PN": 10, "HP": 100, "LC": 100, "QH": 100, "RC": 100, "TC": 100,
    "WC": 100, "TP": 1000, "LM": 1000, "QS": 1000, "RM": 1000, "TM": 1000, "WM": 1000, "TT": 10_000, "HT": 100_000,
}  # fmt: skip
# Bases that state the price of a measure, and the units it is a price of.
PRICE_OF_MEASURE = {
    "PP": {"LB", "01", "PN", "PU"}, "PK": {"KG"}, "PG": {"GR"}, "PO": {"OZ", "ON"}, "PT": {"TN", "MT"}, "PF": {"FT"},
    "LF": {"LF"}, "PY": {"YD"}, "PL": {"LT"}, "ML": {"ML"}, "PA": {"TO"}, "P7": {"MR"}, "P2": {"CM"}, "P6": {"MM"},
}  # fmt: skip
# Those that are about the kind of price: what is stated is the price of one unit.
PRICE_KINDS = code_list(
    "AA AB AP AW BD BR CA CP CR CT DI DR DS EC ES FB FO FX KA KP KR LE LR NC NE NS NT PB PE PQ PR PV QE QR QT RE RS RT "
    "SC SR ST SW TE UM VQ WE WH ZZ"
)
NO_PRICE = frozenset({"NQ", "TB"})  # no quote, to be negotiated
