"""Adyen: payments, their modifications and what its notifications say of them."""
