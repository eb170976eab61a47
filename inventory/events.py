"""The facts this app records."""

HELD = "reservation.held"  # subject: the demand; data: its lines
RELEASED = "reservation.released"  # subject: the demand; data: the ended parts and why
EXPIRED = "reservation.expired"  # subject: the demand; data: the ended parts
CONSUMED = "reservation.consumed"  # subject: the demand; data: the ended parts and the cause
MOVED = "stock.moved"  # subject: the stock row; data: what changed by how much, what it is now, and the cause
EXPECTED = "inbound.expected"  # subject: the cause; data: every line it brings and by when
SETTLED = "inbound.settled"  # subject: the cause; data: the lines that arrived or were given up
