"""The facts about cases. The subject is always the case; the thing it is about is related as `about`."""

OPENED = "case.opened"  # data: reason, title, severity, resolve_minutes, value, units, tier, channel
ACKNOWLEDGED = "case.acknowledged"  # data: in_time, due_at
CLAIMED = "case.claimed"  # a person took it
RELEASED = "case.released"  # data: was
ASSIGNED = "case.assigned"  # data: to, to_id
PAUSED = "case.paused"  # data: on, until, note
RESUMED = "case.resumed"  # data: resolve_by
NOTED = "case.noted"  # data: note, text
ACTED = "case.acted"  # data: action, title, ok, said
WARNED = "case.warned"  # due soon
BREACHED = "case.breached"  # data: clock, due_at
ESCALATED = "case.escalated"  # data: clock, step, webhook
RECKONED = "case.reckoned"  # its clocks were reckoned anew
RESOLVED = "case.resolved"  # data: outcome, note, seconds_open
CLEARED = "case.cleared"  # what opened it is no longer true; data: outcome, note, seconds_open, by
WAIVED = "case.waived"  # data: outcome, note, seconds_open
REOPENED = "case.reopened"  # data: was, note
LINKED = "case.linked"  # data: root
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
