"""A locked period takes nothing more, and a chart stays as it was worded once it has been live."""

from django.db import migrations

# FOR KEY SHARE waits for whoever is locking the period at this moment (FOR UPDATE), and for nobody else.
LOCK = """
CREATE FUNCTION finance_refuse_locked() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    state text;
    name text;
BEGIN
    SELECT status, code INTO state, name FROM finance_period
    WHERE entity_id = NEW.entity_id AND NEW.booked_on BETWEEN starts_on AND ends_on
    FOR KEY SHARE;
    IF state = 'LOCKED' THEN
        RAISE EXCEPTION 'the period % is locked: nothing is booked on % any more', name, NEW.booked_on
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_locked_period_takes_nothing';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER charge_into_open_books BEFORE INSERT ON finance_charge
    FOR EACH ROW EXECUTE FUNCTION finance_refuse_locked();
CREATE TRIGGER posting_into_open_books BEFORE INSERT OR UPDATE OF booked_on, entity_id, total, currency
    ON finance_posting FOR EACH ROW EXECUTE FUNCTION finance_refuse_locked();
"""
UNLOCK = """
DROP TRIGGER charge_into_open_books ON finance_charge;
DROP TRIGGER posting_into_open_books ON finance_posting;
DROP FUNCTION finance_refuse_locked();
"""

WORDED = """
CREATE FUNCTION finance_chart_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.accounts, OLD.rules, OLD.entity_id, OLD.number)
            IS DISTINCT FROM (NEW.accounts, NEW.rules, NEW.entity_id, NEW.number) THEN
        RAISE EXCEPTION 'chart % is % and stays as it is', OLD.number, lower(OLD.status)
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'a_chart_stays_as_worded';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER chart_stays BEFORE UPDATE OR DELETE ON finance_chartmapping
    FOR EACH ROW WHEN (OLD.status <> 'DRAFT') EXECUTE FUNCTION finance_chart_stays();
"""
FORGOTTEN = """
DROP TRIGGER chart_stays ON finance_chartmapping;
DROP FUNCTION finance_chart_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0006_books")]

    operations = [migrations.RunSQL(LOCK, UNLOCK), migrations.RunSQL(WORDED, FORGOTTEN)]
