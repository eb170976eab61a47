# ruff: noqa: S608 (the pieces put together are constants of this page)
"""A statement's sides are looked at in one pass, and matches are appended where their index ends."""

from django.db import migrations, models

BY_KEY = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off"
# What a side names and what is settled of its payment are looked up together: a payment is read once, not twice.
SIDES = f"""
CREATE OR REPLACE FUNCTION finance_line_follows_sides() RETURNS trigger LANGUAGE plpgsql {BY_KEY} AS $$
DECLARE
    wrong record;
BEGIN
    SELECT n.id, p.id AS payment, p.amount, t.booked, coalesce(abs(t.booked) > p.amount, false) AS beyond INTO wrong
    FROM new_sides n
    LEFT JOIN finance_match m ON m.id = n.match_id
    LEFT JOIN finance_settlementline l ON l.id = n.line_id
    LEFT JOIN orders_payment p ON p.id = n.payment_id
    LEFT JOIN finance_charge c ON c.id = n.charge_id
    LEFT JOIN LATERAL (
        SELECT sum(s.booked) AS booked FROM finance_matchside s WHERE s.payment_id = n.payment_id AND s.live
    ) t ON n.live AND n.payment_id IS NOT NULL
    WHERE m.id IS NULL OR l.settlement_id IS DISTINCT FROM m.settlement_id
        OR n.payment_id IS NOT NULL AND p.order_id IS DISTINCT FROM n.order_id
        OR n.charge_id IS NOT NULL AND c.order_id IS DISTINCT FROM n.order_id
        OR n.payment_id IS NULL AND n.charge_id IS NULL AND n.order_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM orders_order o WHERE o.id = n.order_id)
        OR abs(t.booked) > p.amount
    LIMIT 1;
    IF FOUND AND wrong.beyond THEN
        RAISE EXCEPTION 'payment % of % would be settled as %', wrong.payment, wrong.amount, wrong.booked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'no_more_of_a_payment_is_settled_than_there_is';
    ELSIF FOUND THEN
        RAISE EXCEPTION 'side % names what is not there, or belongs to another payout or order', wrong.id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'a_match_side_names_what_is_there';
    END IF;
    IF TG_OP = 'INSERT' THEN
        UPDATE finance_settlementline l SET matched = l.matched + d.m, written_off = l.written_off + d.w
        FROM (SELECT line_id, sum(amount - written_off) AS m, sum(written_off) AS w
            FROM new_sides WHERE live GROUP BY line_id) d
        WHERE l.id = d.line_id;
    ELSE
        UPDATE finance_settlementline l SET matched = l.matched + d.m, written_off = l.written_off + d.w
        FROM (SELECT line_id, sum(m) AS m, sum(w) AS w FROM (
            SELECT line_id, amount - written_off AS m, written_off AS w FROM new_sides WHERE live
            UNION ALL
            SELECT line_id, written_off - amount, -written_off FROM old_sides WHERE live
            ) each_one GROUP BY line_id) d
        WHERE l.id = d.line_id AND (d.m, d.w) <> (0, 0);
    END IF;
    SELECT c.id, c.amount, t.booked INTO wrong
    FROM (SELECT DISTINCT charge_id FROM new_sides WHERE live AND charge_id IS NOT NULL) n
    JOIN finance_charge c ON c.id = n.charge_id
    CROSS JOIN LATERAL (
        SELECT sum(s.booked) AS booked FROM finance_matchside s WHERE s.charge_id = c.id AND s.live
    ) t
    WHERE abs(t.booked) > abs(c.amount) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'charge % of % would be settled as %', wrong.id, wrong.amount, wrong.booked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'no_more_of_a_charge_is_settled_than_there_is';
    END IF;
    RETURN NULL;
END
$$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('finance', '0013_exchanged'),
    ]

    operations = [
        migrations.RunSQL(SIDES, migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name='match',
            name='match_by_settlement',
        ),
        migrations.AddIndex(
            model_name='match',
            index=models.Index(fields=['settlement', 'id'], name='match_by_settlement'),
        ),
    ]
