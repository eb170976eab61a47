"""Promises: what is expected, what is kept back, and what channels have been told."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


# Whatever changes what can be promised says so in the log of changes, whoever wrote it: a writer that had to remember
# would one day forget. The log is only ever inserted into, so nobody waits and nothing deadlocks; an item of NULL
# means every item. Without a feed there is nobody to tell and nothing is written.
CHANGES = """
CREATE FUNCTION inventory_notice_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM inventory_channelfeed WHERE active) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO inventory_availabilitychange (item_id, changed_at)
        SELECT DISTINCT item_id, clock_timestamp() FROM after_it WHERE sellable <> reserved;
    ELSE
        INSERT INTO inventory_availabilitychange (item_id, changed_at)
        SELECT item_id, clock_timestamp() FROM (
            SELECT DISTINCT after_it.item_id FROM after_it JOIN before_it USING (id)
            WHERE after_it.sellable - after_it.reserved <> before_it.sellable - before_it.reserved
        ) changed;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER stock_change_is_noticed AFTER UPDATE ON inventory_stock
    REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_notice_stock();
CREATE TRIGGER new_stock_is_noticed AFTER INSERT ON inventory_stock
    REFERENCING NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_notice_stock();

CREATE FUNCTION inventory_notice_inbound() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT NEW.item_id, clock_timestamp()
    WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active AND inbound_days > 0);
    RETURN NULL;
END
$$;
CREATE TRIGGER inbound_is_noticed AFTER INSERT OR UPDATE ON inventory_expectedreceipt
    FOR EACH ROW EXECUTE FUNCTION inventory_notice_inbound();

CREATE FUNCTION inventory_notice_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT DISTINCT touched.item_id, clock_timestamp()
    FROM (
        VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.item_id ELSE NEW.item_id END),
            (CASE WHEN TG_OP = 'INSERT' THEN NEW.item_id ELSE OLD.item_id END)
    ) AS touched(item_id)
    WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active);
    RETURN NULL;
END
$$;
CREATE TRIGGER buffer_rule_is_noticed AFTER INSERT OR UPDATE OR DELETE ON inventory_bufferrule
    FOR EACH ROW EXECUTE FUNCTION inventory_notice_rule();

CREATE FUNCTION inventory_notice_kit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT CASE WHEN TG_OP = 'DELETE' THEN OLD.kit_id ELSE NEW.kit_id END, clock_timestamp()
    WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active);
    RETURN NULL;
END
$$;
CREATE TRIGGER kit_change_is_noticed AFTER INSERT OR UPDATE OR DELETE ON inventory_kitcomponent
    FOR EACH ROW EXECUTE FUNCTION inventory_notice_kit();

CREATE FUNCTION inventory_notice_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT NULL, clock_timestamp() WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active);
    RETURN NULL;
END
$$;
CREATE TRIGGER place_change_is_noticed AFTER UPDATE OF status, ships, pickup ON inventory_location
    FOR EACH ROW WHEN ((OLD.status, OLD.ships, OLD.pickup) IS DISTINCT FROM (NEW.status, NEW.ships, NEW.pickup))
    EXECUTE FUNCTION inventory_notice_place();
"""

NO_CHANGES = """
DROP TRIGGER stock_change_is_noticed ON inventory_stock;
DROP TRIGGER new_stock_is_noticed ON inventory_stock;
DROP TRIGGER inbound_is_noticed ON inventory_expectedreceipt;
DROP TRIGGER buffer_rule_is_noticed ON inventory_bufferrule;
DROP TRIGGER place_change_is_noticed ON inventory_location;
DROP FUNCTION inventory_notice_stock();
DROP FUNCTION inventory_notice_inbound();
DROP TRIGGER kit_change_is_noticed ON inventory_kitcomponent;
DROP FUNCTION inventory_notice_kit();
DROP FUNCTION inventory_notice_rule();
DROP FUNCTION inventory_notice_place();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0002_append_only'),
        ('inventory', '0003_tracking_and_kits'),
        ('pghistory', '0007_auto_20250421_0444'),
    ]

    operations = [
        migrations.CreateModel(
            name='AvailabilityChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('item', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.item')),
            ],
        ),
        migrations.CreateModel(
            name='BufferRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('SAFETY', 'Safety stock'), ('BUFFER', 'Channel buffer')], default='BUFFER', max_length=6)),
                ('channel', models.CharField(blank=True, help_text='Code of the channel; empty means every channel', max_length=40)),
                ('attribute_key', models.CharField(blank=True, max_length=60)),
                ('attribute_value', models.CharField(blank=True, max_length=200)),
                ('measure', models.CharField(choices=[('UNITS', 'Units'), ('PERCENT', 'Percent of sellable'), ('DERIVED', 'Measured: feed lag × sell rate')], default='UNITS', max_length=7)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=9)),
                ('at_least', models.PositiveIntegerField(default=0)),
                ('at_most', models.PositiveIntegerField(blank=True, null=True)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('active', models.BooleanField(default=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('item', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='buffer_rules', to='inventory.item')),
                ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='buffer_rules', to='inventory.location')),
            ],
            options={
                'ordering': ('-id',),
                'permissions': [('change_stock_rules', 'Can change buffers and safety stock')],
            },
        ),
        migrations.CreateModel(
            name='BufferRuleEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('kind', models.CharField(choices=[('SAFETY', 'Safety stock'), ('BUFFER', 'Channel buffer')], default='BUFFER', max_length=6)),
                ('channel', models.CharField(blank=True, help_text='Code of the channel; empty means every channel', max_length=40)),
                ('attribute_key', models.CharField(blank=True, max_length=60)),
                ('attribute_value', models.CharField(blank=True, max_length=200)),
                ('measure', models.CharField(choices=[('UNITS', 'Units'), ('PERCENT', 'Percent of sellable'), ('DERIVED', 'Measured: feed lag × sell rate')], default='UNITS', max_length=7)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=9)),
                ('at_least', models.PositiveIntegerField(default=0)),
                ('at_most', models.PositiveIntegerField(blank=True, null=True)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('active', models.BooleanField(default=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('item', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='inventory.item')),
                ('location', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='inventory.location')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='inventory.bufferrule')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='ChannelFeed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=40, unique=True)),
                ('title', models.CharField(max_length=120)),
                ('active', models.BooleanField(default=True)),
                ('per_location', models.BooleanField(default=False, help_text='One figure per location instead of one for all')),
                ('inbound_days', models.PositiveSmallIntegerField(default=0, help_text='Units due within so many days count')),
                ('backs_off_until', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0, help_text='In a row')),
                ('last_error', models.CharField(blank=True, max_length=500)),
                ('failed_at', models.DateTimeField(null=True)),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('lag_p50_ms', models.PositiveIntegerField(null=True)),
                ('lag_p95_ms', models.PositiveIntegerField(null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('snapshot', models.ForeignKey(help_text='The snapshot being sent', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
            ],
            options={
                'ordering': ('channel',),
                'permissions': [('publish_stock', 'Can ask for a full publication to a channel')],
            },
        ),
        migrations.CreateModel(
            name='ExpectedReceipt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.IntegerField()),
                ('received', models.IntegerField(default=0)),
                ('due_at', models.DateTimeField()),
                ('cause_kind', models.CharField(max_length=40)),
                ('cause_uid', models.CharField(max_length=64)),
                ('cause_label', models.CharField(blank=True, max_length=200)),
                ('status', models.CharField(choices=[('EXPECTED', 'Expected'), ('SETTLED', 'Settled'), ('CANCELLED', 'Cancelled')], default='EXPECTED', max_length=9)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='expected', to='inventory.item')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='expected', to='inventory.location')),
            ],
        ),
        migrations.CreateModel(
            name='Publication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changes', models.BigIntegerField(default=0, help_text='Noticed so far')),
                ('dirty_since', models.DateTimeField(null=True)),
                ('changed_since', models.DateTimeField(null=True)),
                ('forced', models.BooleanField(default=False, help_text='Send even an unchanged figure: part of a snapshot')),
                ('level', models.JSONField(help_text='{location code, or empty for all: units} as acknowledged', null=True)),
                ('ref', models.CharField(blank=True, help_text="The channel's own handle for the item, once learned", max_length=200)),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('latency_ms', models.IntegerField(null=True)),
                ('publications', models.PositiveIntegerField(default=0)),
                ('unlisted', models.BooleanField(default=False, help_text="The channel doesn't sell this item")),
                ('problem', models.CharField(blank=True, help_text="Why the channel refuses this item's figure", max_length=300)),
                ('lease_token', models.UUIDField(null=True)),
                ('leased_until', models.DateTimeField(null=True)),
                ('feed', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='publications', to='inventory.channelfeed')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='publications', to='inventory.item')),
            ],
        ),
        migrations.CreateModel(
            name='SellRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('per_day', models.DecimalField(decimal_places=4, max_digits=12)),
                ('measured_at', models.DateTimeField()),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.item')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location')),
            ],
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['SAFETY', 'BUFFER'])), name='buffer_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(('measure__in', ['UNITS', 'PERCENT', 'DERIVED'])), name='buffer_measure_is_known'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'SAFETY'), _negated=True), ('channel', ''), _connector='OR'), name='safety_stock_is_for_every_channel'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('measure', 'DERIVED'), _negated=True), ('kind', 'BUFFER'), _connector='OR'), name='only_a_channel_buffer_follows_a_feed'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(('item__isnull', True), ('attribute_key', ''), _connector='OR'), name='a_buffer_names_an_item_or_an_attribute'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('attribute_key', ''), ('attribute_value', '')), models.Q(('attribute_key', ''), ('attribute_value', ''), _connector='OR', _negated=True), _connector='OR'), name='an_attribute_has_key_and_value'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gte', 0), ('amount__lte', 1000000)), name='buffer_amount_is_sane'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('measure', 'PERCENT'), _negated=True), ('amount__lte', 100), _connector='OR'), name='a_buffer_keeps_at_most_everything'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.CheckConstraint(condition=models.Q(('at_most__isnull', True), ('at_most__gte', models.F('at_least')), _connector='OR'), name='buffer_bounds_are_in_order'),
        ),
        migrations.AddConstraint(
            model_name='bufferrule',
            constraint=models.UniqueConstraint(condition=models.Q(('active', True)), fields=('kind', 'channel', 'location', 'item', 'attribute_key', 'attribute_value'), name='one_buffer_rule_per_scope', nulls_distinct=False),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bufferrule',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "inventory_bufferruleevent" ("active", "amount", "at_least", "at_most", "attribute_key", "attribute_value", "channel", "created_at", "id", "item_id", "kind", "location_id", "measure", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "updated_at", "version") VALUES (NEW."active", NEW."amount", NEW."at_least", NEW."at_most", NEW."attribute_key", NEW."attribute_value", NEW."channel", NEW."created_at", NEW."id", NEW."item_id", NEW."kind", NEW."location_id", NEW."measure", NEW."note", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='5f2def689dafa02f863579a825bd99f49bdafd45', operation='INSERT', pgid='pgtrigger_insert_insert_ee591', table='inventory_bufferrule', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='bufferrule',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "inventory_bufferruleevent" ("active", "amount", "at_least", "at_most", "attribute_key", "attribute_value", "channel", "created_at", "id", "item_id", "kind", "location_id", "measure", "note", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "updated_at", "version") VALUES (NEW."active", NEW."amount", NEW."at_least", NEW."at_most", NEW."attribute_key", NEW."attribute_value", NEW."channel", NEW."created_at", NEW."id", NEW."item_id", NEW."kind", NEW."location_id", NEW."measure", NEW."note", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='0e3e3a39860d78e25001d3ae7bc8e3f09c861df3', operation='UPDATE', pgid='pgtrigger_update_update_b8f8b', table='inventory_bufferrule', when='AFTER')),
        ),
        migrations.AddIndex(
            model_name='expectedreceipt',
            index=models.Index(condition=models.Q(('status', 'EXPECTED')), fields=['item', 'due_at'], name='receipt_open'),
        ),
        migrations.AddIndex(
            model_name='expectedreceipt',
            index=models.Index(condition=models.Q(('status', 'EXPECTED')), fields=['location', 'due_at'], name='receipt_open_here'),
        ),
        migrations.AddConstraint(
            model_name='expectedreceipt',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['EXPECTED', 'SETTLED', 'CANCELLED'])), name='receipt_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='expectedreceipt',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0), ('quantity__lte', 1000000000)), name='receipt_quantity_is_positive_and_sane'),
        ),
        migrations.AddConstraint(
            model_name='expectedreceipt',
            constraint=models.CheckConstraint(condition=models.Q(('received__gte', 0), ('received__lte', models.F('quantity'))), name='no_more_is_received_than_expected'),
        ),
        migrations.AddConstraint(
            model_name='expectedreceipt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('status', 'EXPECTED')), models.Q(models.Q(('status', 'EXPECTED'), _negated=True), ('ended_at__isnull', False)), _connector='OR'), name='a_settled_receipt_says_when'),
        ),
        migrations.AddConstraint(
            model_name='expectedreceipt',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'EXPECTED')), fields=('cause_kind', 'cause_uid', 'item', 'location'), name='a_cause_brings_an_item_to_a_place_once'),
        ),
        migrations.AddIndex(
            model_name='publication',
            index=models.Index(condition=models.Q(('dirty_since__isnull', False)), fields=['feed', 'dirty_since'], name='publication_dirty'),
        ),
        migrations.AddIndex(
            model_name='publication',
            index=models.Index(fields=['feed', '-acknowledged_at'], name='publication_heard'),
        ),
        migrations.AddIndex(
            model_name='publication',
            index=models.Index(condition=models.Q(('problem', ''), _negated=True), fields=['feed', 'id'], name='publication_refused'),
        ),
        migrations.AddIndex(
            model_name='publication',
            index=models.Index(condition=models.Q(('forced', True)), fields=['feed'], name='publication_forced'),
        ),
        migrations.AddConstraint(
            model_name='publication',
            constraint=models.UniqueConstraint(fields=('feed', 'item'), name='a_channel_knows_an_item_once'),
        ),
        migrations.AddConstraint(
            model_name='publication',
            constraint=models.CheckConstraint(condition=models.Q(('dirty_since__isnull', False), models.Q(('changed_since__isnull', True), ('forced', False), ('lease_token__isnull', True)), _connector='OR'), name='a_clean_publication_waits_for_nothing'),
        ),
        migrations.AddConstraint(
            model_name='publication',
            constraint=models.CheckConstraint(condition=models.Q(('level__isnull', True), ('acknowledged_at__isnull', False), _connector='OR'), name='a_known_level_was_acknowledged'),
        ),
        migrations.AddConstraint(
            model_name='sellrate',
            constraint=models.UniqueConstraint(fields=('item', 'location'), name='one_sell_rate_per_item_and_location'),
        ),
        migrations.AddConstraint(
            model_name='sellrate',
            constraint=models.CheckConstraint(condition=models.Q(('per_day__gte', 0)), name='sell_rate_is_not_negative'),
        ),
        migrations.RunSQL(CHANGES, NO_CHANGES),
    ]
