"""What came in stays as it came: the database refuses to change a message's bytes."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION integrations_bytes_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The bytes of a message never change.' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER message_bytes_stay BEFORE UPDATE OF body, sha256, size ON integrations_inboundmessage
    FOR EACH ROW WHEN (OLD.body IS DISTINCT FROM NEW.body OR OLD.sha256 IS DISTINCT FROM NEW.sha256
        OR OLD.size IS DISTINCT FROM NEW.size)
    EXECUTE FUNCTION integrations_bytes_stay();
"""
BACKWARD = """
DROP TRIGGER message_bytes_stay ON integrations_inboundmessage;
DROP FUNCTION integrations_bytes_stay();
"""


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
