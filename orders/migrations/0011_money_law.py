"""Refunds never exceed what was captured, whoever writes; a store credit is the sum of its entries."""

from django.db import migrations

from core import append_only

# One definition of what may still go back, for Python and for the trigger. A source that reports no money events is
# believed in its words; a refund and its payment speak of the same money; what a bank holds back is not ours to give.
# A notice of dispute and its chargeback, too, are the same money.
REFUNDABLE = """
CREATE FUNCTION orders_refundable(wanted_order bigint, wanted_currency text) RETURNS numeric LANGUAGE sql STABLE AS $$
    WITH money AS (
        SELECT count(*) AS events,
            coalesce(sum(amount) FILTER (WHERE kind = 'captured'), 0)
                - coalesce(sum(amount) FILTER (WHERE kind = 'capture_failed'), 0) AS captured,
            coalesce(sum(amount) FILTER (WHERE kind = 'refunded'), 0) AS refunded,
            coalesce(sum(amount) FILTER (WHERE kind = 'refund_failed'), 0) AS came_back,
            greatest(
                coalesce(sum(amount) FILTER (WHERE kind = 'disputed'), 0),
                coalesce(sum(amount) FILTER (WHERE kind = 'chargeback'), 0)
            ) - coalesce(sum(amount) FILTER (WHERE kind = 'reinstated'), 0) AS withheld
        FROM orders_payment WHERE order_id = wanted_order AND currency = wanted_currency
    ), told AS (
        SELECT coalesce(sum(amount), 0) AS refunded
        FROM orders_refund WHERE order_id = wanted_order AND currency = wanted_currency
    ), under_way AS (
        SELECT coalesce(sum(amount), 0) AS amount
        FROM orders_paymentinstruction
        WHERE order_id = wanted_order AND currency = wanted_currency AND kind = 'REFUND' AND status IN ('WANTED', 'SENT')
    ), believed AS (
        SELECT coalesce(max(total), 0) AS total FROM orders_order
        WHERE id = wanted_order AND currency = wanted_currency
            AND payment_state IN ('paid', 'partially_paid', 'partially_refunded', 'refunded')
            AND NOT EXISTS (
                SELECT FROM orders_payment WHERE order_id = wanted_order AND kind IN ('authorised', 'captured')
            )
    )
    SELECT (CASE WHEN money.captured = 0 THEN believed.total ELSE money.captured END)
        - greatest(money.refunded, told.refunded) + money.came_back - greatest(money.withheld, 0) - under_way.amount
    FROM money, told, under_way, believed
$$;
"""
UNREFUNDABLE = "DROP FUNCTION orders_refundable(bigint, text);"

# The order's row is locked first, so two writers that forgot to are judged one after the other.
LAW = """
CREATE FUNCTION orders_instruction_keeps_the_law() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    room numeric;
    taken numeric;
    held numeric;
BEGIN
    PERFORM FROM orders_order WHERE id = NEW.order_id FOR NO KEY UPDATE;
    IF NEW.kind = 'REFUND' THEN
        SELECT orders_refundable(NEW.order_id, NEW.currency) INTO room;
        IF room < 0 THEN
            RAISE EXCEPTION 'refunds of order % would exceed what was captured by %', NEW.order_id, -room
                USING ERRCODE = 'check_violation', CONSTRAINT = 'refunds_never_exceed_captures';
        END IF;
    END IF;
    IF NEW.tender_id IS NOT NULL AND NEW.kind IN ('CAPTURE', 'REFUND') THEN
        SELECT coalesce(sum(amount), 0) INTO taken FROM orders_paymentinstruction
        WHERE tender_id = NEW.tender_id AND kind = NEW.kind AND status IN ('WANTED', 'SENT', 'DONE');
        SELECT amount INTO held FROM orders_payment WHERE id = NEW.tender_id;
        IF taken > held THEN
            RAISE EXCEPTION 'instructions on payment % take % of %', NEW.tender_id, taken, held
                USING ERRCODE = 'check_violation', CONSTRAINT = 'a_tender_gives_what_it_holds';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER refunds_never_exceed_captures AFTER INSERT OR UPDATE OF status, amount, currency, order_id
    ON orders_paymentinstruction FOR EACH ROW WHEN (NEW.status IN ('WANTED', 'SENT'))
    EXECUTE FUNCTION orders_instruction_keeps_the_law();
"""
LAWLESS = """
DROP TRIGGER refunds_never_exceed_captures ON orders_paymentinstruction;
DROP FUNCTION orders_instruction_keeps_the_law();
"""

CREDIT = """
CREATE FUNCTION orders_credit_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE orders_storecredit SET balance = balance + NEW.amount WHERE id = NEW.credit_id
    RETURNING balance INTO NEW.balance_after;
    RETURN NEW;
END
$$;
CREATE TRIGGER a_credit_follows_its_entries BEFORE INSERT ON orders_storecreditentry
    FOR EACH ROW EXECUTE FUNCTION orders_credit_follows();
CREATE FUNCTION orders_credit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the balance of store credit % changes by its entries alone', NEW.id
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER a_balance_changes_by_entries BEFORE UPDATE OF balance ON orders_storecredit
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND OLD.balance IS DISTINCT FROM NEW.balance)
    EXECUTE FUNCTION orders_credit_stays();
CREATE TRIGGER a_credit_opens_empty BEFORE INSERT ON orders_storecredit
    FOR EACH ROW WHEN (NEW.balance <> 0) EXECUTE FUNCTION orders_credit_stays();
"""
CREDITLESS = """
DROP TRIGGER a_credit_opens_empty ON orders_storecredit;
DROP TRIGGER a_balance_changes_by_entries ON orders_storecredit;
DROP FUNCTION orders_credit_stays();
DROP TRIGGER a_credit_follows_its_entries ON orders_storecreditentry;
DROP FUNCTION orders_credit_follows();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0010_money"), ("core", "0002_append_only")]

    operations = [
        migrations.RunSQL(REFUNDABLE, UNREFUNDABLE),
        migrations.RunSQL(LAW, LAWLESS),
        migrations.RunSQL(CREDIT, CREDITLESS),
        append_only.refuse_changes("orders_storecreditentry"),
    ]
