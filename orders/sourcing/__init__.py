"""Which node delivers what: pure, from values to a plan and the reasons for it. No database here."""

from orders.sourcing.candidates import Node, Pick, Request, Want
from orders.sourcing.ladder import STANDARD, Ladder, Plan, Rule, plan

__all__ = ["STANDARD", "Ladder", "Node", "Pick", "Plan", "Request", "Rule", "Want", "plan"]
