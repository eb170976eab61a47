"""The facts this app records, all about a posting and related to its order."""

PREPARED = "posting.prepared"  # data: kind, reference, total, currency: the ERP hears of it
RETRIED = "posting.retried"  # a person sent a rejected posting again: the ERP hears of it
POSTED = "posting.posted"  # data: number, total, erp_total
REJECTED = "posting.rejected"  # data: reason, failure_class

# About a payout.
SETTLEMENT_IMPORTED = "settlement.imported"  # data: uid, provider, account, ref, currency, payout, gross, fees, lines
SETTLEMENT_MATCHED = "settlement.matched"  # data: ref, currency, payout, matched, fees, other, residual, fees_by
SETTLEMENT_BALANCED = "settlement.balanced"  # data: ref, currency, payout, matched, fees: nothing is left of it
SETTLEMENT_UNMATCHED = "settlement.unmatched"  # data: match; a person undid it
SETTLEMENT_WRITTEN_OFF = "settlement.written_off"  # data: amount, currency, why, ref: the books owe the difference
SETTLEMENT_BANKED = "settlement.banked"  # data: amount, payout, currency, ref: bank lines are the payout
LABEL_MAPPED = "label.mapped"  # data: label, kind, version: what a provider's label means from now on
BANK_IMPORTED = "bank.imported"  # data: form, account, lines: a statement of a bank account
