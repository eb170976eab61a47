"""Sourcing policies, their shadows and replays, and what is known of nodes."""

import core.fields
import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models



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


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_nodes"), ("orders", "0004_kits_and_codes")]

    operations = [
        migrations.CreateModel(
            name='NodeMeasure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('days', models.PositiveSmallIntegerField()),
                ('offered', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
                ('hours', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=168)),
                ('worked', django.contrib.postgres.fields.ArrayField(base_field=models.PositiveSmallIntegerField(), size=168)),
                ('measured_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('location', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='measure', to='inventory.location')),
            ],
        ),
        migrations.CreateModel(
            name='NodeTerms',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('cut_off', models.TimeField(default=datetime.time(16, 0), help_text="The last carrier of the day, in the node's time")),
                ('days', models.PositiveSmallIntegerField(default=1, help_text="From departure to the customer's door")),
                ('days_abroad', models.PositiveSmallIntegerField(default=3)),
                ('parcel', core.fields.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True)),
                ('parcel_abroad', core.fields.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True)),
                ('kilo', core.fields.MoneyField(decimal_places=4, default=0, help_text='For each kilogram, on top of the parcel', max_digits=20)),
                ('handling', core.fields.MoneyField(blank=True, decimal_places=4, help_text='For each parcel', max_digits=20, null=True)),
                ('handling_unit', core.fields.MoneyField(decimal_places=4, default=0, help_text='For each unit, on top', max_digits=20)),
                ('version', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('location', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='terms', to='inventory.location')),
            ],
            options={
                'verbose_name_plural': 'node terms',
            },
        ),
        migrations.CreateModel(
            name='NodeTermsEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('cut_off', models.TimeField(default=datetime.time(16, 0), help_text="The last carrier of the day, in the node's time")),
                ('days', models.PositiveSmallIntegerField(default=1, help_text="From departure to the customer's door")),
                ('days_abroad', models.PositiveSmallIntegerField(default=3)),
                ('parcel', core.fields.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True)),
                ('parcel_abroad', core.fields.MoneyField(blank=True, decimal_places=4, max_digits=20, null=True)),
                ('kilo', core.fields.MoneyField(decimal_places=4, default=0, help_text='For each kilogram, on top of the parcel', max_digits=20)),
                ('handling', core.fields.MoneyField(blank=True, decimal_places=4, help_text='For each parcel', max_digits=20, null=True)),
                ('handling_unit', core.fields.MoneyField(decimal_places=4, default=0, help_text='For each unit, on top', max_digits=20)),
                ('version', models.PositiveIntegerField(default=1)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('location', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='inventory.location')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='orders.nodeterms')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('status', models.CharField(choices=[('DRAFT', 'Draft'), ('SHADOW', 'Shadow'), ('LIVE', 'Live'), ('RETIRED', 'Retired')], default='DRAFT', max_length=7)),
                ('version', models.PositiveIntegerField(default=1)),
                ('rules', models.JSONField(default=list)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('created_by', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('shadow_at', models.DateTimeField(null=True)),
                ('live_at', models.DateTimeField(null=True)),
                ('retired_at', models.DateTimeField(null=True)),
                ('scope', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.channel')),
            ],
            options={
                'ordering': ('policy', '-number'),
            },
        ),
        migrations.CreateModel(
            name='PolicyReplay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('placed_from', models.DateTimeField()),
                ('placed_to', models.DateTimeField()),
                ('cursor_at', models.DateTimeField(null=True)),
                ('cursor', models.BigIntegerField(default=0)),
                ('sums', models.JSONField(default=dict)),
                ('leased_until', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('channel', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.channel')),
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.job')),
                ('policy_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='replays', to='orders.policyversion')),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.AddField(
            model_name='sourcingdecision',
            name='policy_version',
            field=models.ForeignKey(help_text='Empty: the built-in ladder', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.policyversion'),
        ),
        migrations.CreateModel(
            name='ShadowDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveIntegerField()),
                ('rule', models.CharField(blank=True, max_length=40)),
                ('live_rule', models.CharField(blank=True, max_length=40)),
                ('same', models.BooleanField(help_text='The same units from the same nodes')),
                ('picks', models.JSONField(default=list, help_text='[[line, location, quantity]]')),
                ('nodes', models.PositiveSmallIntegerField(default=0)),
                ('live_nodes', models.PositiveSmallIntegerField(default=0)),
                ('kilometres', models.FloatField(default=0)),
                ('live_kilometres', models.FloatField(default=0)),
                ('cost', models.FloatField(default=0)),
                ('live_cost', models.FloatField(default=0)),
                ('late', models.BooleanField(null=True)),
                ('live_late', models.BooleanField(null=True)),
                ('decided_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('order', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='shadow_decisions', to='orders.order')),
                ('policy_version', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.policyversion')),
            ],
            options={
                'ordering': ('-id',),
            },
        ),
        migrations.CreateModel(
            name='SourcingPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('channel', models.ForeignKey(blank=True, help_text='Empty: every channel', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='orders.channel')),
            ],
            options={
                'verbose_name_plural': 'sourcing policies',
                'ordering': ('code',),
                'permissions': [('launch_sourcingpolicy', 'Can put sourcing policies live')],
            },
        ),
        migrations.AddField(
            model_name='policyversion',
            name='policy',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='orders.sourcingpolicy'),
        ),
        migrations.CreateModel(
            name='SourcingPolicyEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('code', models.SlugField(db_index=False, max_length=40)),
                ('name', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('channel', models.ForeignKey(blank=True, db_constraint=False, help_text='Empty: every channel', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='orders.channel')),
                ('pgh_context', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context')),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='orders.sourcingpolicy')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.AddConstraint(
            model_name='nodeterms',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('currency', ''), ('handling', None), ('parcel', None), ('parcel_abroad', None)), ('currency__regex', '^[A-Z]{3}$'), _connector='OR'), name='what_a_node_costs_has_a_currency'),
        ),
        migrations.AddConstraint(
            model_name='nodeterms',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('parcel', None), models.Q(('parcel__gte', 0), ('parcel__lt', 1000000)), _connector='OR'), models.Q(('parcel_abroad', None), models.Q(('parcel_abroad__gte', 0), ('parcel_abroad__lt', 1000000)), _connector='OR'), models.Q(('handling', None), models.Q(('handling__gte', 0), ('handling__lt', 1000000)), _connector='OR'), ('handling_unit__gte', 0), ('handling_unit__lt', 1000000), ('kilo__gte', 0), ('kilo__lt', 1000000)), name='what_a_node_costs_is_neither_negative_nor_absurd'),
        ),
        migrations.AddConstraint(
            model_name='nodeterms',
            constraint=models.CheckConstraint(condition=models.Q(('days__lte', 60), ('days_abroad__lte', 120)), name='a_parcel_arrives_some_day'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='nodeterms',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "orders_nodetermsevent" ("currency", "cut_off", "days", "days_abroad", "handling", "handling_unit", "id", "kilo", "location_id", "parcel", "parcel_abroad", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "updated_at", "version") VALUES (NEW."currency", NEW."cut_off", NEW."days", NEW."days_abroad", NEW."handling", NEW."handling_unit", NEW."id", NEW."kilo", NEW."location_id", NEW."parcel", NEW."parcel_abroad", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='a25bd95ac28a93294c40be5a5f7963c3a5a1bcd9', operation='INSERT', pgid='pgtrigger_insert_insert_a28b2', table='orders_nodeterms', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='nodeterms',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "orders_nodetermsevent" ("currency", "cut_off", "days", "days_abroad", "handling", "handling_unit", "id", "kilo", "location_id", "parcel", "parcel_abroad", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "updated_at", "version") VALUES (NEW."currency", NEW."cut_off", NEW."days", NEW."days_abroad", NEW."handling", NEW."handling_unit", NEW."id", NEW."kilo", NEW."location_id", NEW."parcel", NEW."parcel_abroad", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."updated_at", NEW."version"); RETURN NULL;', hash='4d3bfa80b18940f2b23a5768c880af662915fca6', operation='UPDATE', pgid='pgtrigger_update_update_ad637', table='orders_nodeterms', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='policyreplay',
            constraint=models.CheckConstraint(condition=models.Q(('placed_from__lt', models.F('placed_to'))), name='a_replay_has_a_period'),
        ),
        migrations.AddIndex(
            model_name='shadowdecision',
            index=models.Index(fields=['policy_version', '-id'], name='shadow_by_version'),
        ),
        migrations.AddIndex(
            model_name='shadowdecision',
            index=models.Index(condition=models.Q(('same', False)), fields=['policy_version', '-id'], name='shadow_that_differs'),
        ),
        migrations.AddConstraint(
            model_name='shadowdecision',
            constraint=models.UniqueConstraint(fields=('order', 'policy_version', 'sequence'), name='a_shadow_decides_once_per_sourcing'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sourcingpolicy',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "orders_sourcingpolicyevent" ("channel_id", "code", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."channel_id", NEW."code", NEW."created_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='4802b1dfaa383dcc01a6d74eeab142fcfa9fd80c', operation='INSERT', pgid='pgtrigger_insert_insert_a36c3', table='orders_sourcingpolicy', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='sourcingpolicy',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "orders_sourcingpolicyevent" ("channel_id", "code", "created_at", "id", "name", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."channel_id", NEW."code", NEW."created_at", NEW."id", NEW."name", _pgh_attach_context(), NOW(), \'update\', NEW."id"); RETURN NULL;', hash='852383ce02ded1223eb3774c544aa3e0d42e98de', operation='UPDATE', pgid='pgtrigger_update_update_bc807', table='orders_sourcingpolicy', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(fields=('policy', 'number'), name='policy_versions_are_numbered'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['DRAFT', 'SHADOW', 'LIVE', 'RETIRED'])), name='policy_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'DRAFT')), fields=('policy',), name='a_policy_has_one_draft'),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'LIVE')), fields=('scope',), name='one_policy_is_live_per_scope', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='policyversion',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'SHADOW')), fields=('scope',), name='one_policy_is_shadow_per_scope', nulls_distinct=False),
        ),
        migrations.RunSQL(RULES_STAY, migrations.RunSQL.noop),
    ]
