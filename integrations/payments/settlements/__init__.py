"""Settlement files and reports: one module a vendor, bytes in, a frozen document out.

Nothing is guessed: numbers and dates are read as documented, as stated on the connection, or as the file itself
proves (every cell fits one way of writing and not the other); anything else is a fault with its row.
"""
