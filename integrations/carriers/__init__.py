"""Carriers: buying labels and following parcels. One folder per vendor; registry.py names them."""
