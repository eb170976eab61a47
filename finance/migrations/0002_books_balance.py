"""A posting's lines balance when its transaction commits, and stay as they were sent; charges are never changed."""

from django.db import migrations

from core import append_only

BALANCE = """
CREATE FUNCTION finance_posting_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    posting bigint := coalesce(NEW.posting_id, OLD.posting_id);
    debits numeric;
    credits numeric;
BEGIN
    SELECT coalesce(sum(debit), 0), coalesce(sum(credit), 0) INTO debits, credits
    FROM finance_postingline WHERE posting_id = posting;
    IF debits <> credits THEN
        RAISE EXCEPTION 'posting % does not balance: % debit, % credit', posting, debits, credits
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_posting_balances';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER a_posting_balances AFTER INSERT OR UPDATE OR DELETE ON finance_postingline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION finance_posting_balances();
"""
UNBALANCE = """
DROP TRIGGER a_posting_balances ON finance_postingline;
DROP FUNCTION finance_posting_balances();
"""

STAY = """
CREATE FUNCTION finance_posted_lines_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM finance_posting
        WHERE id = coalesce(OLD.posting_id, NEW.posting_id) AND status IN ('POSTED', 'REVERSED')
    ) THEN
        RAISE EXCEPTION 'the lines of a posted document stay as they were sent'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN coalesce(NEW, OLD);
END
$$;
CREATE TRIGGER posted_lines_stay BEFORE INSERT OR UPDATE OR DELETE ON finance_postingline
    FOR EACH ROW EXECUTE FUNCTION finance_posted_lines_stay();
"""
GO = """
DROP TRIGGER posted_lines_stay ON finance_postingline;
DROP FUNCTION finance_posted_lines_stay();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0001_initial"), ("core", "0002_append_only")]

    operations = [
        migrations.RunSQL(BALANCE, UNBALANCE),
        migrations.RunSQL(STAY, GO),
        append_only.refuse_changes("finance_charge"),
    ]
