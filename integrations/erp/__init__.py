"""Bringing postings to the ERP. One folder per vendor; registry.py names them."""
