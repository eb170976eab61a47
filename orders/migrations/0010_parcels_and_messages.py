import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import orders.models.carriage
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("orders", "0009_store_work"),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='CarrierServiceEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('code', models.SlugField(db_index=False, max_length=60)),
                ('carrier', models.CharField(max_length=60)),
                ('name', models.CharField(max_length=120)),
                ('currency', models.CharField(max_length=3)),
                ('zones', models.JSONField(help_text='The price table: see docs/carriers.md')),
                ('cut_off', models.TimeField(default=datetime.time(16, 0), help_text="Last handover, in the sender's own time zone")),
                ('collects', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=orders.models.carriage.working_week, help_text='Weekdays, Monday is 0', size=None)),
                ('delivers', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=orders.models.carriage.working_week, help_text='Weekdays, Monday is 0', size=None)),
                ('delivers_by', models.TimeField(default=datetime.time(18, 0), help_text="In the receiver's time zone")),
                ('refuses', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='Traits of goods', size=None)),
                ('rank', models.SmallIntegerField(default=100, help_text='Smaller goes first among equals')),
                ('connection', models.SlugField(blank=True, db_index=False, help_text='Where labels are bought; empty: made here', max_length=60)),
                ('vendor_carrier', models.CharField(blank=True, help_text="The carrier's name at that account", max_length=60)),
                ('vendor_service', models.CharField(blank=True, help_text="The service's name at that account", max_length=120)),
                ('fallbacks', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(max_length=60), blank=True, default=list, help_text='Codes of services to take instead, in this order, while this one gives no labels', size=None)),
                ('fall_back_after_minutes', models.PositiveSmallIntegerField(default=15)),
                ('stalls_after_hours', models.PositiveSmallIntegerField(default=72, help_text='Without a scan; then it is a case')),
                ('tracking_url', models.CharField(blank=True, help_text='https, with {tracking} for the number', max_length=300)),
                ('active', models.BooleanField(default=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='CarrierService',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=60, unique=True)),
                ('carrier', models.CharField(max_length=60)),
                ('name', models.CharField(max_length=120)),
                ('currency', models.CharField(max_length=3)),
                ('zones', models.JSONField(help_text='The price table: see docs/carriers.md')),
                ('cut_off', models.TimeField(default=datetime.time(16, 0), help_text="Last handover, in the sender's own time zone")),
                ('collects', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=orders.models.carriage.working_week, help_text='Weekdays, Monday is 0', size=None)),
                ('delivers', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), default=orders.models.carriage.working_week, help_text='Weekdays, Monday is 0', size=None)),
                ('delivers_by', models.TimeField(default=datetime.time(18, 0), help_text="In the receiver's time zone")),
                ('refuses', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='Traits of goods', size=None)),
                ('rank', models.SmallIntegerField(default=100, help_text='Smaller goes first among equals')),
                ('connection', models.SlugField(blank=True, help_text='Where labels are bought; empty: made here', max_length=60)),
                ('vendor_carrier', models.CharField(blank=True, help_text="The carrier's name at that account", max_length=60)),
                ('vendor_service', models.CharField(blank=True, help_text="The service's name at that account", max_length=120)),
                ('fallbacks', django.contrib.postgres.fields.ArrayField(base_field=models.SlugField(max_length=60), blank=True, default=list, help_text='Codes of services to take instead, in this order, while this one gives no labels', size=None)),
                ('fall_back_after_minutes', models.PositiveSmallIntegerField(default=15)),
                ('stalls_after_hours', models.PositiveSmallIntegerField(default=72, help_text='Without a scan; then it is a case')),
                ('tracking_url', models.CharField(blank=True, help_text='https, with {tracking} for the number', max_length=300)),
                ('active', models.BooleanField(default=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ('rank', 'code'),
                'constraints': [models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='carrier_currency_is_a_code'), models.CheckConstraint(condition=models.Q(('tracking_url', ''), ('tracking_url__regex', '^https://.*\\{tracking\\}'), _connector='OR'), name='a_tracking_link_is_https_and_names_the_parcel'), models.CheckConstraint(condition=models.Q(('connection', ''), models.Q(('vendor_carrier__gt', ''), ('vendor_service__gt', '')), _connector='OR'), name='a_bought_service_is_named_as_its_account_knows_it')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='carrierservice',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "orders_carrierserviceevent" ("active", "carrier", "code", "collects", "connection", "created_at", "currency", "cut_off", "delivers", "delivers_by", "fall_back_after_minutes", "fallbacks", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rank", "refuses", "stalls_after_hours", "tracking_url", "updated_at", "vendor_carrier", "vendor_service", "zones") VALUES (NEW."active", NEW."carrier", NEW."code", NEW."collects", NEW."connection", NEW."created_at", NEW."currency", NEW."cut_off", NEW."delivers", NEW."delivers_by", NEW."fall_back_after_minutes", NEW."fallbacks", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."rank", NEW."refuses", NEW."stalls_after_hours", NEW."tracking_url", NEW."updated_at", NEW."vendor_carrier", NEW."vendor_service", NEW."zones"); RETURN NULL;', hash='47df3740b68073250665f803971d4048c140c00d', operation='INSERT', pgid='pgtrigger_insert_insert_1f582', table='orders_carrierservice', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='carrierservice',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "orders_carrierserviceevent" ("active", "carrier", "code", "collects", "connection", "created_at", "currency", "cut_off", "delivers", "delivers_by", "fall_back_after_minutes", "fallbacks", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "rank", "refuses", "stalls_after_hours", "tracking_url", "updated_at", "vendor_carrier", "vendor_service", "zones") VALUES (NEW."active", NEW."carrier", NEW."code", NEW."collects", NEW."connection", NEW."created_at", NEW."currency", NEW."cut_off", NEW."delivers", NEW."delivers_by", NEW."fall_back_after_minutes", NEW."fallbacks", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."rank", NEW."refuses", NEW."stalls_after_hours", NEW."tracking_url", NEW."updated_at", NEW."vendor_carrier", NEW."vendor_service", NEW."zones"); RETURN NULL;', hash='95ea55fec25753b4f974bba9f587dced20a25e63', operation='UPDATE', pgid='pgtrigger_update_update_1c116', table='orders_carrierservice', when='AFTER')),
        ),
        migrations.AddField(
            model_name='carrierserviceevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='carrierserviceevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='orders.carrierservice'),
        ),
    ]
