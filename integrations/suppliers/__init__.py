"""Suppliers who send to our customers and third-party warehouses: asked through a port, answering by webhook."""
