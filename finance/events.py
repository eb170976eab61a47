"""The facts this app records, all about a posting and related to its order."""

PREPARED = "posting.prepared"  # data: kind, reference, total, currency: the ERP hears of it
RETRIED = "posting.retried"  # a person sent a rejected posting again: the ERP hears of it
POSTED = "posting.posted"  # data: number, total, erp_total
REJECTED = "posting.rejected"  # data: reason, failure_class

# About a settlement; data carries uid, provider, account, ref, currency, payout, gross, fees, net as text, and lines.
SETTLEMENT_IMPORTED = "settlement.imported"
SETTLEMENT_MATCHED = "settlement.matched"  # also: matched, other, written_off, residual, fees_by: [{order, fee, …}]
SETTLEMENT_BALANCED = "settlement.balanced"  # nothing of it is left unexplained
SETTLEMENT_UNMATCHED = "settlement.unmatched"  # a person undid a match; data: match
SETTLEMENT_WRITTEN_OFF = "settlement.written_off"  # data: amount, why: the books owe the difference
LABEL_MAPPED = "label.mapped"  # subject kind provider; data: label, kind, version
BANK_IMPORTED = "bank.imported"  # subject kind bank_statement
SETTLEMENT_BANKED = "settlement.banked"  # a bank line is the payout; data: amount, currency, booked_on
