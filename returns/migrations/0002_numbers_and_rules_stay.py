"""Returns are numbered by a sequence, and a policy's rules stay as they were launched."""

from django.db import migrations

RULES_STAY = """
CREATE FUNCTION returns_policy_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'DRAFT' AND
        (NEW.rules, NEW.policy_id, NEW.number) IS DISTINCT FROM (OLD.rules, OLD.policy_id, OLD.number)
    THEN
        RAISE EXCEPTION 'the rules of return policy version % stay as they are', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER returns_returnpolicyversion_rules_stay BEFORE UPDATE OR DELETE ON returns_returnpolicyversion
    FOR EACH ROW EXECUTE FUNCTION returns_policy_stays();
CREATE FUNCTION returns_scope_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the scope of return policy % stays as it is', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER returns_returnpolicy_scope_stays BEFORE UPDATE OF channel_id ON returns_returnpolicy
    FOR EACH ROW WHEN (OLD.channel_id IS DISTINCT FROM NEW.channel_id) EXECUTE FUNCTION returns_scope_stays();
"""
RULES_GO = """
DROP TRIGGER returns_returnpolicyversion_rules_stay ON returns_returnpolicyversion;
DROP FUNCTION returns_policy_stays();
DROP TRIGGER returns_returnpolicy_scope_stays ON returns_returnpolicy;
DROP FUNCTION returns_scope_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("returns", "0001_initial")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE returns_number START 100001", "DROP SEQUENCE returns_number"),
        migrations.RunSQL(RULES_STAY, RULES_GO),
    ]
