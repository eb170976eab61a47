"""The facts this app records, all about a posting and related to its order."""

PREPARED = "posting.prepared"  # data: kind, reference, total, currency: the ERP hears of it
RETRIED = "posting.retried"  # a person sent a rejected posting again: the ERP hears of it
POSTED = "posting.posted"  # data: number, total, erp_total
REJECTED = "posting.rejected"  # data: reason, failure_class
