from django.db import migrations, models
import django.contrib.postgres.fields
import pgtrigger.compiler
import pgtrigger.migrations


class Migration(migrations.Migration):
    dependencies = [("inventory", "0008_tracked_work")]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="location",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="location",
            name="update_update",
        ),
        migrations.AddField(
            model_name="expectedreceipt",
            name="committed",
            field=models.IntegerField(
                db_default=0, default=0, help_text="Units still to come that are promised to somebody already"
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="carriers",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60),
                blank=True,
                db_default=models.Value(
                    [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None)
                ),
                default=list,
                help_text="Codes of the carriers that call here; empty means any",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="closed_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="location",
            name="closed_until",
            field=models.DateTimeField(
                blank=True, help_text="Takes no new work before this moment: closed for the day", null=True
            ),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="carriers",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=60),
                blank=True,
                db_default=models.Value(
                    [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), size=None)
                ),
                default=list,
                help_text="Codes of the carriers that call here; empty means any",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="closed_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="closed_until",
            field=models.DateTimeField(
                blank=True, help_text="Takes no new work before this moment: closed for the day", null=True
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="hazardous",
            field=models.BooleanField(db_default=True, default=True, help_text="May handle hazardous goods"),
        ),
        migrations.AddField(
            model_name="location",
            name="not_to",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                default=list,
                help_text="Regions it never delivers to",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="location",
            name="only_to",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                default=list,
                help_text="Regions it delivers to, all where empty: GB, GB-NIR, or GB:BT (the postal code begins so)",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="hazardous",
            field=models.BooleanField(db_default=True, default=True, help_text="May handle hazardous goods"),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="not_to",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                default=list,
                help_text="Regions it never delivers to",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="only_to",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                default=list,
                help_text="Regions it delivers to, all where empty: GB, GB-NIR, or GB:BT (the postal code begins so)",
                size=None,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "inventory_locationevent" ("address", "allows_backorder", "carriers", "closed_reason", "closed_until", "code", "country", "created_at", "gln", "hazardous", "id", "kind", "lat", "lon", "name", "not_to", "only_to", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pick_capacity_hour", "pickup", "priority", "returns", "ships", "site_id", "status", "time_zone") VALUES (NEW."address", NEW."allows_backorder", NEW."carriers", NEW."closed_reason", NEW."closed_until", NEW."code", NEW."country", NEW."created_at", NEW."gln", NEW."hazardous", NEW."id", NEW."kind", NEW."lat", NEW."lon", NEW."name", NEW."not_to", NEW."only_to", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."pick_capacity_hour", NEW."pickup", NEW."priority", NEW."returns", NEW."ships", NEW."site_id", NEW."status", NEW."time_zone"); RETURN NULL;',
                    hash="bc3b18b91ac4b32cde1b28a860b0c61feeb87bd3",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_78351",
                    table="inventory_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "inventory_locationevent" ("address", "allows_backorder", "carriers", "closed_reason", "closed_until", "code", "country", "created_at", "gln", "hazardous", "id", "kind", "lat", "lon", "name", "not_to", "only_to", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pick_capacity_hour", "pickup", "priority", "returns", "ships", "site_id", "status", "time_zone") VALUES (NEW."address", NEW."allows_backorder", NEW."carriers", NEW."closed_reason", NEW."closed_until", NEW."code", NEW."country", NEW."created_at", NEW."gln", NEW."hazardous", NEW."id", NEW."kind", NEW."lat", NEW."lon", NEW."name", NEW."not_to", NEW."only_to", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pick_capacity_hour", NEW."pickup", NEW."priority", NEW."returns", NEW."ships", NEW."site_id", NEW."status", NEW."time_zone"); RETURN NULL;',
                    hash="8f7442d9f212348041745b1ad1f10624fa02bea9",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_33415",
                    table="inventory_location",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="expectedreceipt",
            constraint=models.CheckConstraint(
                condition=models.Q(("committed__gte", 0)), name="receipt_commitments_are_not_negative"
            ),
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="location",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="location",
            name="update_update",
        ),
        migrations.AddField(
            model_name="location",
            name="brought_in",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Orders collected here may be brought from other places"
            ),
        ),
        migrations.AddField(
            model_name="locationevent",
            name="brought_in",
            field=models.BooleanField(
                db_default=False, default=False, help_text="Orders collected here may be brought from other places"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "inventory_locationevent" ("address", "allows_backorder", "brought_in", "carriers", "closed_reason", "closed_until", "code", "country", "created_at", "gln", "hazardous", "id", "kind", "lat", "lon", "name", "not_to", "only_to", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pick_capacity_hour", "pickup", "priority", "returns", "ships", "site_id", "status", "time_zone") VALUES (NEW."address", NEW."allows_backorder", NEW."brought_in", NEW."carriers", NEW."closed_reason", NEW."closed_until", NEW."code", NEW."country", NEW."created_at", NEW."gln", NEW."hazardous", NEW."id", NEW."kind", NEW."lat", NEW."lon", NEW."name", NEW."not_to", NEW."only_to", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."pick_capacity_hour", NEW."pickup", NEW."priority", NEW."returns", NEW."ships", NEW."site_id", NEW."status", NEW."time_zone"); RETURN NULL;',
                    hash="9bb0c18ccbe0df1d9a00e0a494fb9ccf09f7e42e",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_78351",
                    table="inventory_location",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="location",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "inventory_locationevent" ("address", "allows_backorder", "brought_in", "carriers", "closed_reason", "closed_until", "code", "country", "created_at", "gln", "hazardous", "id", "kind", "lat", "lon", "name", "not_to", "only_to", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pick_capacity_hour", "pickup", "priority", "returns", "ships", "site_id", "status", "time_zone") VALUES (NEW."address", NEW."allows_backorder", NEW."brought_in", NEW."carriers", NEW."closed_reason", NEW."closed_until", NEW."code", NEW."country", NEW."created_at", NEW."gln", NEW."hazardous", NEW."id", NEW."kind", NEW."lat", NEW."lon", NEW."name", NEW."not_to", NEW."only_to", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."pick_capacity_hour", NEW."pickup", NEW."priority", NEW."returns", NEW."ships", NEW."site_id", NEW."status", NEW."time_zone"); RETURN NULL;',
                    hash="4c502d1bdbf2766cf2b411d82628e4dcf22f8e35",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_33415",
                    table="inventory_location",
                    when="AFTER",
                ),
            ),
        ),
    ]
