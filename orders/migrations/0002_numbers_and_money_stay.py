"""Order numbers come from a sequence; money events, and what was said, are never changed."""

from django.db import migrations

from core import append_only

# What was said stays said: a version's rules change only while it is a draft, a policy's scope never.
RULES_STAY = """
CREATE FUNCTION orders_policy_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'DRAFT' AND
        (NEW.rules, NEW.policy_id, NEW.number) IS DISTINCT FROM (OLD.rules, OLD.policy_id, OLD.number)
    THEN
        RAISE EXCEPTION 'the rules of policy version % stay as they are', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER orders_policyversion_rules_stay BEFORE UPDATE OR DELETE ON orders_policyversion
    FOR EACH ROW EXECUTE FUNCTION orders_policy_stays();
CREATE FUNCTION orders_scope_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the scope of policy % stays as it is', OLD.id USING ERRCODE = 'integrity_constraint_violation';
END
$$;
CREATE TRIGGER orders_sourcingpolicy_scope_stays BEFORE UPDATE OF channel_id ON orders_sourcingpolicy
    FOR EACH ROW WHEN (OLD.channel_id IS DISTINCT FROM NEW.channel_id) EXECUTE FUNCTION orders_scope_stays();
"""
RULES_GO = """
DROP TRIGGER orders_policyversion_rules_stay ON orders_policyversion;
DROP FUNCTION orders_policy_stays();
DROP TRIGGER orders_sourcingpolicy_scope_stays ON orders_sourcingpolicy;
DROP FUNCTION orders_scope_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("core", "0002_append_only")]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE orders_number START 100001", "DROP SEQUENCE orders_number"),
        append_only.refuse_changes("orders_payment"),
        append_only.refuse_changes("orders_refund"),
        migrations.RunSQL(RULES_STAY, RULES_GO),
        append_only.refuse_changes("orders_approval"),
        append_only.refuse_changes("orders_ordernote"),
        append_only.refuse_changes("orders_refunddue"),
        append_only.refuse_changes("orders_trackingevent"),
    ]
