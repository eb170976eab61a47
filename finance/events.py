"""The facts this app records, all about a posting and related to its order; those of periods are about the period."""

PREPARED = "posting.prepared"  # data: kind, reference, total, currency: the ERP hears of it
QUEUED = "posting.queued"  # data: kind, reference, total, currency, needs: somebody has to approve it
APPROVED = "posting.approved"  # data: reference, note: the ERP hears of it
DECLINED = "posting.declined"  # data: reference, note
RETRIED = "posting.retried"  # a person sent a rejected posting again: the ERP hears of it
POSTED = "posting.posted"  # data: number, total, erp_total
REJECTED = "posting.rejected"  # data: reason, failure_class
REVERSED = "posting.reversed"  # data: reference, by (the reversal's reference)

CHARGED = "order.charged"  # about the order; data: charges [{kind, line, amount, currency, label}], current

PERIOD_LOCKED = "period.locked"  # data: entity, period, figures
PERIOD_REOPENED = "period.reopened"  # data: entity, period, note
CHECK_EXCUSED = "period.check_excused"  # data: entity, period, check, rows, note

CHART_CHANGED = "chart.changed"  # data: entity, number

# About a payout.
SETTLEMENT_IMPORTED = "settlement.imported"  # data: uid, provider, account, ref, currency, payout, gross, fees, lines
SETTLEMENT_MATCHED = "settlement.matched"  # data: ref, currency, payout, matched, fees, other, residual
SETTLEMENT_BALANCED = "settlement.balanced"  # data: ref, currency, payout, matched, fees: nothing is left of it
SETTLEMENT_UNMATCHED = "settlement.unmatched"  # data: match; a person undid it
SETTLEMENT_WRITTEN_OFF = "settlement.written_off"  # data: amount, currency, why, ref: the books owe the difference
SETTLEMENT_BANKED = "settlement.banked"  # data: amount, payout, currency, ref: bank lines are the payout
LABEL_MAPPED = "label.mapped"  # data: label, kind, version: what a provider's label means from now on
BANK_IMPORTED = "bank.imported"  # data: form, account, lines: a statement of a bank account
