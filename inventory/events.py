"""The facts this app records."""

HELD = "reservation.held"  # subject: the demand; data: its lines
RELEASED = "reservation.released"  # subject: the demand; data: the ended parts and why
EXPIRED = "reservation.expired"  # subject: the demand; data: the ended parts
CONSUMED = "reservation.consumed"  # subject: the demand; data: the ended parts and the cause
MOVED = "stock.moved"  # subject: the stock row; data: what changed by how much, what it is now, and the cause
EXPECTED = "inbound.expected"  # subject: the cause; data: every line it brings and by when
SETTLED = "inbound.settled"  # subject: the cause; data: the lines that arrived or were given up
EXTENDED = "reservation.extended"  # subject: the demand; data: until when
CONFIRMED = "reservation.confirmed"  # subject: the demand, now FIRM; data: the reservations
KIT_DEFINED = "kit.defined"  # subject: the item; data: its parts
