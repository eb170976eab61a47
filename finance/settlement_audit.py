"""What must always be true of settlements, as queries for the rows that break it."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "finance.payouts_are_their_lines",
        "A payout is its matched lines, its classified lines, what was written off, and the residual that is left",
        """
        SELECT s.id, s.ref, s.payout, s.residual, t.* FROM finance_settlement s CROSS JOIN LATERAL (
            SELECT coalesce(sum(a.to_matched), 0) AS matched_now, coalesce(sum(a.to_fees), 0) AS fees_now,
                coalesce(sum(a.to_other), 0) AS other_now, coalesce(sum(a.to_written_off), 0) AS written_off_now
            FROM finance_settlementline l, finance_line_adds(l.kind, l.gross, l.fee, l.matched, l.written_off) a
            WHERE l.settlement_id = s.id
        ) t
        WHERE (s.matched, s.fees, s.other, s.written_off) <> (matched_now, fees_now, other_now, written_off_now)
            OR s.payout + s.carried <> matched_now + fees_now + other_now + written_off_now + s.residual
        """,
    )
    audit.register(
        "finance.lines_are_their_matches",
        "What is matched and written off of a line is what its live sides say, and no more than the line",
        """
        SELECT l.id, l.gross, l.matched, l.written_off, t.* FROM finance_settlementline l LEFT JOIN (
            SELECT line_id, sum(amount - written_off) AS matched_now, sum(written_off) AS written_off_now
            FROM finance_matchside WHERE live GROUP BY line_id
        ) t ON t.line_id = l.id
        WHERE (l.matched, l.written_off) <> (coalesce(matched_now, 0), coalesce(written_off_now, 0))
            OR abs(l.matched + l.written_off) > abs(l.gross)
        """,
    )
    audit.register(
        "finance.money_is_settled_once",
        "No payment and no charge is settled for more than it is",
        """
        SELECT p.id, p.provider_ref AS ref, p.amount, sum(s.booked) AS settled
        FROM finance_matchside s JOIN orders_payment p ON p.id = s.payment_id WHERE s.live
        GROUP BY p.id HAVING abs(sum(s.booked)) > p.amount
        UNION ALL
        SELECT c.id, c.key, c.amount, sum(s.booked)
        FROM finance_matchside s JOIN finance_charge c ON c.id = s.charge_id WHERE s.live
        GROUP BY c.id HAVING abs(sum(s.booked)) > abs(c.amount)
        """,
    )
    audit.register(
        "finance.live_sides_are_confirmed",
        "A side counts exactly while its match is confirmed",
        """
        SELECT m.id, m.status, s.id AS side, s.live FROM finance_matchside s JOIN finance_match m ON m.id = s.match_id
        WHERE s.live <> (m.status = 'CONFIRMED')
        """,
    )
    audit.register(
        "finance.payouts_are_banked_once",
        "What a payout says arrived at the bank is what its confirmed bank lines say",
        """
        SELECT s.id, s.ref, s.banked, coalesce(t.banked_now, 0) AS banked_now FROM finance_settlement s LEFT JOIN (
            SELECT b.settlement_id,
                sum(CASE WHEN b.currency = p.currency THEN b.amount ELSE b.original_amount END) AS banked_now
            FROM finance_bankline b JOIN finance_settlement p ON p.id = b.settlement_id WHERE b.status = 'CONFIRMED'
            GROUP BY b.settlement_id
        ) t ON t.settlement_id = s.id
        WHERE s.banked <> coalesce(t.banked_now, 0)
        """,
    )
    audit.register(
        "finance.entities_owe_each_other_the_same",
        "What one entity owes another for a payout is what the other says it is owed, in each currency",
        """
        SELECT p.cause_uid, p.currency, sum(l.debit - l.credit) AS apart FROM finance_posting p
        JOIN finance_postingline l ON l.posting_id = p.id AND l.account = 'intercompany'
        WHERE p.kind = 'FEES' AND p.cause_kind = 'settlement' AND p.status NOT IN ('REVERSED', 'DECLINED')
        GROUP BY p.cause_uid, p.currency HAVING sum(l.debit - l.credit) <> 0
            AND NOT EXISTS (
                SELECT FROM finance_posting o
                WHERE o.cause_kind = 'settlement' AND o.cause_uid = p.cause_uid AND o.status IN ('REVERSED', 'DECLINED')
            )
        """,
    )
