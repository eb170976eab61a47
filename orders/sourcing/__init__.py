"""Which node delivers what: pure, from values to a plan and the reasons for it. No database here."""

from orders.sourcing.candidates import Goods, Node, Pick, Profile, Request, Restrictions, Want
from orders.sourcing.ladder import Plan, plan
from orders.sourcing.rules import STANDARD, Ladder, Rule, Then

__all__ = [
    "STANDARD",
    "Goods",
    "Ladder",
    "Node",
    "Pick",
    "Plan",
    "Profile",
    "Request",
    "Restrictions",
    "Rule",
    "Then",
    "Want",
    "plan",
]
