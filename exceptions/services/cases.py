"""Everything that may be done to a case, under one name: `cases.open_`, `cases.claim`, `cases.resolve` …"""

from exceptions.services.aside import snooze, wake
from exceptions.services.handling import (
    acknowledge,
    act,
    acting_on,
    assign,
    claim,
    release,
    reopen,
    resolve,
    resume,
    wait,
    waive,
)
from exceptions.services.many import assign_many, claim_many
from exceptions.services.merging import merge
from exceptions.services.notes import note
from exceptions.services.opening import open_, recheck, recheck_case
from exceptions.services.opening_many import Said, open_many
from exceptions.services.roots import link, unlink
from exceptions.services.standing import open_standing

__all__ = [
    "Said",
    "acknowledge",
    "act",
    "acting_on",
    "assign",
    "assign_many",
    "claim",
    "claim_many",
    "link",
    "merge",
    "note",
    "open_",
    "open_many",
    "open_standing",
    "recheck",
    "recheck_case",
    "release",
    "reopen",
    "resolve",
    "resume",
    "snooze",
    "unlink",
    "wait",
    "waive",
    "wake",
]
