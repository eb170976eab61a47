import core.fields
import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import orders.models.carriage
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from core import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0010_placements'),
        ("orders", "0009_store_work"),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
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
            },
        ),
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
            name='CustomerMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(unique=True)),
                ('event', models.CharField(max_length=60)),
                ('cause', models.UUIDField(help_text="The event's uid")),
                ('medium', models.CharField(choices=[('EMAIL', 'E-mail'), ('WEBHOOK', 'Webhook')], max_length=7)),
                ('language', models.CharField(blank=True, max_length=8)),
                ('status', models.CharField(choices=[('QUEUED', 'Waiting to be sent'), ('SENT', 'Sent'), ('FAILED', 'Could not be sent'), ('NOT_SENT', 'Not sent')], default='QUEUED', max_length=8)),
                ('version', models.PositiveIntegerField(default=1)),
                ('address', models.CharField(blank=True, max_length=255)),
                ('subject', models.CharField(blank=True, max_length=255)),
                ('body', models.TextField(blank=True)),
                ('why', models.CharField(blank=True, help_text='Why it was not or could not be sent', max_length=300)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('sent_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='MessageTemplate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.CharField(max_length=60)),
                ('language', models.CharField(default='en', max_length=8)),
                ('medium', models.CharField(choices=[('EMAIL', 'E-mail'), ('WEBHOOK', 'Webhook')], default='EMAIL', max_length=7)),
                ('number', models.PositiveIntegerField(help_text='1, 2, 3 … within its event, channel, language and medium')),
                ('status', models.CharField(choices=[('DRAFT', 'Draft'), ('LIVE', 'Live'), ('RETIRED', 'Retired')], default='DRAFT', max_length=7)),
                ('version', models.PositiveIntegerField(default=1)),
                ('subject', models.CharField(blank=True, max_length=200)),
                ('body', models.TextField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('edited_by', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'permissions': [('publish_messagetemplate', 'Can put message templates live')],
            },
        ),
        migrations.CreateModel(
            name='MessageTemplateEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('event', models.CharField(max_length=60)),
                ('language', models.CharField(default='en', max_length=8)),
                ('medium', models.CharField(choices=[('EMAIL', 'E-mail'), ('WEBHOOK', 'Webhook')], default='EMAIL', max_length=7)),
                ('number', models.PositiveIntegerField(help_text='1, 2, 3 … within its event, channel, language and medium')),
                ('status', models.CharField(choices=[('DRAFT', 'Draft'), ('LIVE', 'Live'), ('RETIRED', 'Retired')], default='DRAFT', max_length=7)),
                ('version', models.PositiveIntegerField(default=1)),
                ('subject', models.CharField(blank=True, max_length=200)),
                ('body', models.TextField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('edited_by', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ParcelLabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(unique=True)),
                ('status', models.CharField(choices=[('WANTED', 'Ordered'), ('BOUGHT', 'Ready'), ('FAILED', 'Failed'), ('VOID_WANTED', 'Being given back'), ('VOIDED', 'Given back'), ('VOID_REFUSED', 'Not taken back')], default='WANTED', max_length=12)),
                ('version', models.PositiveIntegerField(default=1)),
                ('grams', models.PositiveIntegerField()),
                ('vendor_ref', models.CharField(blank=True, max_length=120)),
                ('tracking_number', models.CharField(blank=True, max_length=120)),
                ('tracking_url', models.CharField(blank=True, max_length=500)),
                ('cost', core.fields.MoneyField(decimal_places=4, help_text='What the carrier charged, or the price table says', max_digits=20, null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('content_type', models.CharField(blank=True, max_length=60)),
                ('content', models.BinaryField(default=b'', help_text="The carrier's own file; empty where the label is made here")),
                ('failure', models.CharField(blank=True, max_length=500)),
                ('failing_since', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('bought_at', models.DateTimeField(null=True)),
                ('printed_at', models.DateTimeField(null=True)),
                ('prints', models.PositiveIntegerField(default=0)),
            ],
            options={
                'verbose_name': 'label',
            },
        ),
        migrations.CreateModel(
            name='SerialReference',
            fields=[
                ('prefix', models.CharField(max_length=11, primary_key=True, serialize=False)),
                ('extension', models.PositiveSmallIntegerField(default=0)),
                ('taken', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='TrackingEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('state', models.CharField(choices=[('unknown', 'Not known'), ('pre_transit', 'Label made'), ('in_transit', 'On its way'), ('out_for_delivery', 'Out for delivery'), ('ready_for_pickup', 'Waiting to be fetched'), ('delivered', 'Delivered'), ('delivery_delayed', 'Delayed'), ('delivery_failed', 'Delivery failed'), ('return_to_sender', 'On its way back'), ('lost', 'Lost')], max_length=17)),
                ('words', models.CharField(blank=True, max_length=255)),
                ('code', models.CharField(blank=True, max_length=60)),
                ('place', models.CharField(blank=True, max_length=200)),
                ('said_at', models.CharField(blank=True, max_length=60)),
                ('occurred_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('source', models.CharField(blank=True, max_length=200)),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='channel',
            name='insert_insert',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='channel',
            name='update_update',
        ),
        migrations.AddField(
            model_name='channel',
            name='language',
            field=models.CharField(db_default='en', default='en', help_text='In which its customers are written to: en, nl, de-CH', max_length=8),
        ),
        migrations.AddField(
            model_name='channel',
            name='tells_customers',
            field=models.BooleanField(db_default=True, default=True, help_text='Backroom writes to its customers; off where the channel does itself'),
        ),
        migrations.AddField(
            model_name='channelevent',
            name='language',
            field=models.CharField(db_default='en', default='en', help_text='In which its customers are written to: en, nl, de-CH', max_length=8),
        ),
        migrations.AddField(
            model_name='channelevent',
            name='tells_customers',
            field=models.BooleanField(db_default=True, default=True, help_text='Backroom writes to its customers; off where the channel does itself'),
        ),
        migrations.AddField(
            model_name='package',
            name='asked_at',
            field=models.DateTimeField(help_text='When the carrier was last asked where it is', null=True),
        ),
        migrations.AddField(
            model_name='package',
            name='sscc',
            field=models.CharField(blank=True, db_default='', default='', max_length=18),
        ),
        migrations.AddField(
            model_name='package',
            name='tracked_at',
            field=models.DateTimeField(help_text='When the carrier last saw it', null=True),
        ),
        migrations.AddField(
            model_name='package',
            name='tracker',
            field=models.CharField(choices=[('unknown', 'Not known'), ('pre_transit', 'Label made'), ('in_transit', 'On its way'), ('out_for_delivery', 'Out for delivery'), ('ready_for_pickup', 'Waiting to be fetched'), ('delivered', 'Delivered'), ('delivery_delayed', 'Delayed'), ('delivery_failed', 'Delivery failed'), ('return_to_sender', 'On its way back'), ('lost', 'Lost')], db_default='unknown', default='unknown', max_length=17),
        ),
        migrations.AddField(
            model_name='package',
            name='tracking_number',
            field=models.CharField(blank=True, db_default='', default='', max_length=120),
        ),
        migrations.AddIndex(
            model_name='package',
            index=models.Index(condition=models.Q(('tracking_number', ''), _negated=True), fields=['tracking_number'], name='parcel_by_tracking'),
        ),
        migrations.AddIndex(
            model_name='package',
            index=models.Index(condition=models.Q(('tracker__in', ['delivery_delayed', 'in_transit', 'out_for_delivery', 'pre_transit', 'ready_for_pickup', 'unknown'])), fields=['tracked_at', 'id'], name='parcel_under_way'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='channel',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "orders_channelevent" ("active", "code", "created_at", "currency", "id", "kind", "language", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prices_include_tax", "sells_from_id", "tells_customers", "time_zone") VALUES (NEW."active", NEW."code", NEW."created_at", NEW."currency", NEW."id", NEW."kind", NEW."language", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."prices_include_tax", NEW."sells_from_id", NEW."tells_customers", NEW."time_zone"); RETURN NULL;', hash='b022501275c6d285fe60ac77fef68b72740d16da', operation='INSERT', pgid='pgtrigger_insert_insert_298ae', table='orders_channel', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='channel',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "orders_channelevent" ("active", "code", "created_at", "currency", "id", "kind", "language", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "prices_include_tax", "sells_from_id", "tells_customers", "time_zone") VALUES (NEW."active", NEW."code", NEW."created_at", NEW."currency", NEW."id", NEW."kind", NEW."language", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."prices_include_tax", NEW."sells_from_id", NEW."tells_customers", NEW."time_zone"); RETURN NULL;', hash='1f6c684f23bd683ecb030ff0efc15cb9c70e053e', operation='UPDATE', pgid='pgtrigger_update_update_36f3d', table='orders_channel', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='channel',
            constraint=models.CheckConstraint(condition=models.Q(('language__regex', '^[a-z]{2}(-[A-Z]{2})?$')), name='channel_language_is_a_code'),
        ),
        migrations.AddConstraint(
            model_name='package',
            constraint=models.CheckConstraint(condition=models.Q(('tracker__in', ['unknown', 'pre_transit', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'delivered', 'delivery_delayed', 'delivery_failed', 'return_to_sender', 'lost'])), name='tracker_state_is_known'),
        ),
        migrations.AddConstraint(
            model_name='package',
            constraint=models.CheckConstraint(condition=models.Q(('sscc__regex', '^([0-9]{18})?$')), name='an_sscc_has_eighteen_digits'),
        ),
        migrations.AddConstraint(
            model_name='package',
            constraint=models.UniqueConstraint(condition=models.Q(('sscc', ''), _negated=True), fields=('sscc',), name='an_sscc_is_used_once'),
        ),
        migrations.AddConstraint(
            model_name='carrierservice',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='carrier_currency_is_a_code'),
        ),
        migrations.AddConstraint(
            model_name='carrierservice',
            constraint=models.CheckConstraint(condition=models.Q(('tracking_url', ''), ('tracking_url__regex', '^https://.*\\{tracking\\}'), _connector='OR'), name='a_tracking_link_is_https_and_names_the_parcel'),
        ),
        migrations.AddConstraint(
            model_name='carrierservice',
            constraint=models.CheckConstraint(condition=models.Q(('connection', ''), models.Q(('vendor_carrier__gt', ''), ('vendor_service__gt', '')), _connector='OR'), name='a_bought_service_is_named_as_its_account_knows_it'),
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
        migrations.AddField(
            model_name='customermessage',
            name='order',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='orders.order'),
        ),
        migrations.AddField(
            model_name='messagetemplate',
            name='channel',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.channel'),
        ),
        migrations.AddField(
            model_name='customermessage',
            name='template',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.messagetemplate'),
        ),
        migrations.AddField(
            model_name='messagetemplateevent',
            name='channel',
            field=models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='orders.channel'),
        ),
        migrations.AddField(
            model_name='messagetemplateevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='messagetemplateevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='orders.messagetemplate'),
        ),
        migrations.AddField(
            model_name='parcellabel',
            name='instead_of',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.parcellabel'),
        ),
        migrations.AddField(
            model_name='parcellabel',
            name='package',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='labels', to='orders.package'),
        ),
        migrations.AddField(
            model_name='parcellabel',
            name='service',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.carrierservice'),
        ),
        migrations.AddField(
            model_name='trackingevent',
            name='package',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='scans', to='orders.package'),
        ),
        migrations.AddIndex(
            model_name='messagetemplate',
            index=models.Index(fields=['-id'], name='template_newest'),
        ),
        migrations.AddConstraint(
            model_name='messagetemplate',
            constraint=models.UniqueConstraint(fields=('event', 'channel', 'language', 'medium', 'number'), name='template_versions_are_numbered', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='messagetemplate',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'LIVE')), fields=('event', 'channel', 'language', 'medium'), name='one_version_of_a_template_is_live', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='messagetemplate',
            constraint=models.CheckConstraint(condition=models.Q(('medium__in', ['EMAIL', 'WEBHOOK'])), name='template_medium_is_known'),
        ),
        migrations.AddConstraint(
            model_name='messagetemplate',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['DRAFT', 'LIVE', 'RETIRED'])), name='template_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='messagetemplate',
            constraint=models.CheckConstraint(condition=models.Q(('language__regex', '^[a-z]{2}(-[A-Z]{2})?$')), name='language_is_a_code'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='messagetemplate',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "orders_messagetemplateevent" ("body", "channel_id", "created_at", "edited_by", "event", "id", "language", "medium", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "subject", "updated_at", "version") VALUES (NEW."body", NEW."channel_id", NEW."created_at", NEW."edited_by", NEW."event", NEW."id", NEW."language", NEW."medium", NEW."number", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."status", NEW."subject", NEW."updated_at", NEW."version"); RETURN NULL;', hash='91f403af7dc425f9e13811b08db4ff02f456adef', operation='INSERT', pgid='pgtrigger_insert_insert_67b2f', table='orders_messagetemplate', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='messagetemplate',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "orders_messagetemplateevent" ("body", "channel_id", "created_at", "edited_by", "event", "id", "language", "medium", "number", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "status", "subject", "updated_at", "version") VALUES (NEW."body", NEW."channel_id", NEW."created_at", NEW."edited_by", NEW."event", NEW."id", NEW."language", NEW."medium", NEW."number", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."status", NEW."subject", NEW."updated_at", NEW."version"); RETURN NULL;', hash='0c7f18949aeb53050e1757b0ca03a05f6a295b19', operation='UPDATE', pgid='pgtrigger_update_update_1fdff', table='orders_messagetemplate', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='customermessage',
            index=models.Index(fields=['order', '-id'], name='message_by_order'),
        ),
        migrations.AddConstraint(
            model_name='customermessage',
            constraint=models.UniqueConstraint(fields=('order', 'event', 'cause', 'medium'), name='a_customer_is_told_once_of_each_fact'),
        ),
        migrations.AddConstraint(
            model_name='customermessage',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['QUEUED', 'SENT', 'FAILED', 'NOT_SENT'])), name='customer_message_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='customermessage',
            constraint=models.CheckConstraint(condition=models.Q(('medium__in', ['EMAIL', 'WEBHOOK'])), name='customer_message_medium_is_known'),
        ),
        migrations.AddConstraint(
            model_name='customermessage',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('FAILED', 'NOT_SENT')), _negated=True), ('why__gt', ''), _connector='OR'), name='what_was_not_sent_says_why'),
        ),
        migrations.AddIndex(
            model_name='parcellabel',
            index=models.Index(fields=['package', '-id'], name='label_by_package'),
        ),
        migrations.AddIndex(
            model_name='parcellabel',
            index=models.Index(condition=models.Q(('status', 'FAILED')), fields=['-id'], name='label_failed'),
        ),
        migrations.AddIndex(
            model_name='parcellabel',
            index=models.Index(condition=models.Q(('status', 'WANTED')), fields=['service', 'created_at'], name='label_waiting'),
        ),
        migrations.AddConstraint(
            model_name='parcellabel',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['BOUGHT', 'WANTED'])), fields=('package',), name='a_parcel_has_one_label_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='parcellabel',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['WANTED', 'BOUGHT', 'FAILED', 'VOID_WANTED', 'VOIDED', 'VOID_REFUSED'])), name='label_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='parcellabel',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'BOUGHT'), _negated=True), ('tracking_number__gt', ''), _connector='OR'), name='a_bought_label_has_its_number'),
        ),
        migrations.AddConstraint(
            model_name='parcellabel',
            constraint=models.CheckConstraint(condition=models.Q(('grams__gt', 0), ('grams__lte', 2000000)), name='label_weight_is_sane'),
        ),
        migrations.AddIndex(
            model_name='trackingevent',
            index=models.Index(fields=['package', '-occurred_at', '-id'], name='scan_by_package'),
        ),
        migrations.AddConstraint(
            model_name='trackingevent',
            constraint=models.UniqueConstraint(fields=('package', 'key'), name='a_scan_is_kept_once'),
        ),
        migrations.AddConstraint(
            model_name='trackingevent',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['unknown', 'pre_transit', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'delivered', 'delivery_delayed', 'delivery_failed', 'return_to_sender', 'lost'])), name='scan_state_is_known'),
        ),
        # --- by hand
        append_only.refuse_changes("orders_trackingevent"),
    ]
