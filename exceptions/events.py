"""The facts about cases. The subject is always the case; the thing it is about is related as `about`."""

OPENED = "case.opened"
ACKNOWLEDGED = "case.acknowledged"
CLAIMED = "case.claimed"
RELEASED = "case.released"
ASSIGNED = "case.assigned"
PAUSED = "case.paused"
RESUMED = "case.resumed"
NOTED = "case.noted"
ACTED = "case.acted"
WARNED = "case.warned"
BREACHED = "case.breached"
ESCALATED = "case.escalated"
RECKONED = "case.reckoned"
RESOLVED = "case.resolved"
CLEARED = "case.cleared"
WAIVED = "case.waived"
REOPENED = "case.reopened"
LINKED = "case.linked"
UNLINKED = "case.unlinked"  # data: root, why
SNOOZED = "case.snoozed"  # data: until, wake_on, words, note
WOKEN = "case.woken"  # data: because
MERGED = "case.merged"  # into this one; data: cases, notes, watchers, files
ATTACHED = "case.attached"  # data: attachment, label, kind, size

TOPIC = "exceptions"  # what open pages listen for
APPROVAL = "case.approval"  # data.what: asked, approved, declined, void, expired, withdrawn
RULES_CHANGED = "rulebook.changed"
DECLINED = "case.suggestion_declined"  # data: action, why
AUTONOMY = "autonomy.changed"  # subject: the switch; data: reason, action, state, because
