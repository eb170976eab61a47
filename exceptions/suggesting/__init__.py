"""What history says about a case: which action works, and how likely the case is to miss its time. Pure arithmetic.

Everything here takes counts and gives figures with their intervals; nothing reads a clock or a database, and no
sentence says more than the count it names.
"""

from exceptions.suggesting.counts import Count, rank
from exceptions.suggesting.curve import STEPS, Curve, likelihood
from exceptions.suggesting.intervals import interval

__all__ = ["STEPS", "Count", "Curve", "interval", "likelihood", "rank"]
