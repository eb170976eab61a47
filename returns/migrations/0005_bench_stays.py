"""What was scanned, seen and decided of returned goods stays as it was."""

from django.db import migrations

from core import append_only

# A disposition only ever counts how many of its units moved on; an inspection, how many were placed, and the verdict
# that somebody else was to give.
STAY = """
CREATE FUNCTION returns_disposition_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.moved_on < OLD.moved_on OR
        (NEW.inspection_id, NEW.line_id, NEW.after_id, NEW.location_id, NEW.kind, NEW.quantity, NEW.state, NEW.key,
         NEW.decided_at) IS DISTINCT FROM
        (OLD.inspection_id, OLD.line_id, OLD.after_id, OLD.location_id, OLD.kind, OLD.quantity, OLD.state, OLD.key,
         OLD.decided_at)
    THEN
        RAISE EXCEPTION 'disposition % stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER returns_disposition_rows_stay BEFORE UPDATE OR DELETE ON returns_disposition
    FOR EACH ROW EXECUTE FUNCTION returns_disposition_stays();
CREATE FUNCTION returns_inspection_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.placed < OLD.placed OR (OLD.verdict <> 'REVIEW' AND NEW.verdict <> OLD.verdict) OR
        (NEW.bench_id, NEW.line_id, NEW.location_id, NEW.quantity, NEW.grade, NEW.key, NEW.inspected_at)
        IS DISTINCT FROM
        (OLD.bench_id, OLD.line_id, OLD.location_id, OLD.quantity, OLD.grade, OLD.key, OLD.inspected_at)
    THEN
        RAISE EXCEPTION 'inspection % stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER returns_inspection_rows_stay BEFORE UPDATE OR DELETE ON returns_inspection
    FOR EACH ROW EXECUTE FUNCTION returns_inspection_stays();
CREATE FUNCTION returns_rule_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM returns_dispositionrules
        WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.version_id ELSE OLD.version_id END AND status <> 'DRAFT'
    ) THEN
        RAISE EXCEPTION 'the rules of a version that was live stay as they are'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER returns_dispositionrule_rows_stay BEFORE INSERT OR UPDATE OR DELETE ON returns_dispositionrule
    FOR EACH ROW EXECUTE FUNCTION returns_rule_stays();
"""
GO = """
DROP TRIGGER returns_disposition_rows_stay ON returns_disposition;
DROP FUNCTION returns_disposition_stays();
DROP TRIGGER returns_inspection_rows_stay ON returns_inspection;
DROP FUNCTION returns_inspection_stays();
DROP TRIGGER returns_dispositionrule_rows_stay ON returns_dispositionrule;
DROP FUNCTION returns_rule_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("returns", "0004_bench"), ("core", "0002_append_only")]

    operations = [append_only.refuse_changes("returns_arrival"), migrations.RunSQL(STAY, GO)]
