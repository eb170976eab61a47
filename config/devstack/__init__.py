"""Real PostgreSQL and Valkey for one checkout: started when first needed, stopped when nobody needs them any more.

Standard library only. dev.py loads this package by path, before anything is installed, so nothing in here may import
from the rest of the project.

A *guardian* process owns the servers. Whoever needs them holds a *lease*: an open connection to the guardian, which
the kernel closes however its holder dies. Without leases the guardian stops the servers and leaves.
"""
