"""Businesses that buy on terms, what people wrote about orders, and who approved what."""

import core.fields
import django.db.models.deletion
import django.utils.timezone
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

from core import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_append_only"),
        ("orders", "0006_supply"),
        ("pghistory", "0007_auto_20250421_0444"),
    ]

    operations = [
        migrations.CreateModel(
            name='Account',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('currency', models.CharField(max_length=3)),
                ('payment_terms', models.CharField(default='NET30', help_text='PREPAID, or NET and days: NET30', max_length=7)),
                ('credit_limit', core.fields.MoneyField(blank=True, decimal_places=4, help_text='What it may owe; empty means no limit is watched', max_digits=20, null=True)),
                ('requires_approval', models.BooleanField(default=False, help_text='A person approves its orders before picking')),
                ('approval_above', core.fields.MoneyField(blank=True, decimal_places=4, help_text='Only orders over this; empty means every order', max_digits=20, null=True)),
                ('on_stop', models.BooleanField(default=False, help_text='Nothing more goes out on credit')),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ('code',),
            },
        ),
        migrations.CreateModel(
            name='AccountEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('id', models.BigIntegerField()),
                ('code', models.CharField(max_length=60)),
                ('name', models.CharField(max_length=120)),
                ('currency', models.CharField(max_length=3)),
                ('payment_terms', models.CharField(default='NET30', help_text='PREPAID, or NET and days: NET30', max_length=7)),
                ('credit_limit', core.fields.MoneyField(blank=True, decimal_places=4, help_text='What it may owe; empty means no limit is watched', max_digits=20, null=True)),
                ('requires_approval', models.BooleanField(default=False, help_text='A person approves its orders before picking')),
                ('approval_above', core.fields.MoneyField(blank=True, decimal_places=4, help_text='Only orders over this; empty means every order', max_digits=20, null=True)),
                ('on_stop', models.BooleanField(default=False, help_text='Nothing more goes out on credit')),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Approval',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('APPROVAL', 'Approved'), ('CREDIT', 'Let through on credit')], max_length=8)),
                ('total', core.fields.MoneyField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('note', models.CharField(blank=True, max_length=255)),
                ('actor_kind', models.CharField(max_length=12)),
                ('actor_uid', models.CharField(max_length=64)),
                ('actor_label', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'permissions': [('approve_order', 'Can approve an order before it is picked'), ('grant_credit', "Can let an order through over its account's credit limit")],
            },
        ),
        migrations.CreateModel(
            name='OrderNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('author_kind', models.CharField(max_length=12)),
                ('author_uid', models.CharField(max_length=64)),
                ('author_label', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='hold',
            name='hold_type_is_known',
        ),
        migrations.AddField(
            model_name='order',
            name='account_code',
            field=models.CharField(blank=True, help_text='As the source names the business', max_length=120),
        ),
        migrations.AddField(
            model_name='order',
            name='payment_terms',
            field=models.CharField(blank=True, help_text='Those of the account where none were said', max_length=7),
        ),
        migrations.AddField(
            model_name='order',
            name='po_number',
            field=models.CharField(blank=True, help_text="The buyer's own number of its purchase", max_length=120),
        ),
        migrations.AddField(
            model_name='order',
            name='requested_ship_on',
            field=models.DateField(blank=True, help_text='Not to leave before this day', null=True),
        ),
        migrations.AlterField(
            model_name='hold',
            name='type',
            field=models.CharField(choices=[('PAYMENT', 'Payment'), ('FRAUD', 'Fraud review'), ('ADDRESS', 'Address'), ('CREDIT', 'Credit'), ('APPROVAL', 'Approval'), ('PRICE', 'Price'), ('DUPLICATE', 'Duplicate'), ('MANUAL', 'Held by a person')], max_length=10),
        ),
        migrations.AddConstraint(
            model_name='hold',
            constraint=models.CheckConstraint(condition=models.Q(('type__in', ['PAYMENT', 'FRAUD', 'ADDRESS', 'CREDIT', 'APPROVAL', 'PRICE', 'DUPLICATE', 'MANUAL'])), name='hold_type_is_known'),
        ),
        migrations.AddField(
            model_name='account',
            name='channel',
            field=models.ForeignKey(blank=True, help_text='Where it buys; empty means at any channel', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='orders.channel'),
        ),
        migrations.AddField(
            model_name='order',
            name='account',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='orders', to='orders.account'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('account__isnull', False)), fields=['account', '-placed_at', '-id'], name='order_by_account'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('account__isnull', False), ('payment_state__in', ('pending', 'partially_paid', 'unknown', 'voided')), models.Q(('status', 'CANCELLED'), _negated=True)), fields=['account'], name='order_owed'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('account__isnull', True), models.Q(('account_code', ''), _negated=True)), fields=['account_code'], name='order_of_unknown_account'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('po_number', ''), _negated=True), fields=['po_number'], name='order_by_po_number'),
        ),
        migrations.AddIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('requested_ship_on__isnull', False), ('status__in', ('RECEIVED', 'ACCEPTED'))), fields=['requested_ship_on'], name='order_for_a_day'),
        ),
        migrations.AddField(
            model_name='accountevent',
            name='channel',
            field=models.ForeignKey(blank=True, db_constraint=False, help_text='Where it buys; empty means at any channel', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='orders.channel'),
        ),
        migrations.AddField(
            model_name='accountevent',
            name='pgh_context',
            field=models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='pghistory.context'),
        ),
        migrations.AddField(
            model_name='accountevent',
            name='pgh_obj',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='orders.account'),
        ),
        migrations.AddField(
            model_name='approval',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='approvals', to='orders.order'),
        ),
        migrations.AddField(
            model_name='ordernote',
            name='order',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='orders.order'),
        ),
        migrations.AddIndex(
            model_name='account',
            index=models.Index(fields=['name', 'id'], name='account_by_name'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('currency__regex', '^[A-Z]{3}$')), name='account_currency_is_a_code'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('payment_terms__regex', '^(PREPAID|NET[1-9][0-9]{0,2})$')), name='account_terms_are_known'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('credit_limit__isnull', True), models.Q(('credit_limit__gte', 0), ('credit_limit__lt', 1000000000000000)), _connector='OR'), name='credit_limit_is_sane'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('approval_above__isnull', True), models.Q(('approval_above__gte', 0), ('approval_above__lt', 1000000000000000)), _connector='OR'), name='approval_limit_is_sane'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='account',
            trigger=pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "orders_accountevent" ("approval_above", "channel_id", "code", "created_at", "credit_limit", "currency", "id", "name", "on_stop", "payment_terms", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_approval", "updated_at", "version") VALUES (NEW."approval_above", NEW."channel_id", NEW."code", NEW."created_at", NEW."credit_limit", NEW."currency", NEW."id", NEW."name", NEW."on_stop", NEW."payment_terms", _pgh_attach_context(), NOW(), \'insert\', NEW."id", NEW."requires_approval", NEW."updated_at", NEW."version"); RETURN NULL;', hash='156a735790ba4c59661b85a14214b6039227ce43', operation='INSERT', pgid='pgtrigger_insert_insert_b855c', table='orders_account', when='AFTER')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='account',
            trigger=pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "orders_accountevent" ("approval_above", "channel_id", "code", "created_at", "credit_limit", "currency", "id", "name", "on_stop", "payment_terms", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "requires_approval", "updated_at", "version") VALUES (NEW."approval_above", NEW."channel_id", NEW."code", NEW."created_at", NEW."credit_limit", NEW."currency", NEW."id", NEW."name", NEW."on_stop", NEW."payment_terms", _pgh_attach_context(), NOW(), \'update\', NEW."id", NEW."requires_approval", NEW."updated_at", NEW."version"); RETURN NULL;', hash='d6f8aa91f24cf7bf28810649dae1e875a107988c', operation='UPDATE', pgid='pgtrigger_update_update_ff80b', table='orders_account', when='AFTER')),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['APPROVAL', 'CREDIT'])), name='approval_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='approval',
            constraint=models.CheckConstraint(condition=models.Q(('total__gte', 0), ('total__lt', 1000000000000000)), name='approval_total_is_sane'),
        ),
        migrations.AddIndex(
            model_name='ordernote',
            index=models.Index(fields=['order', '-id'], name='note_by_order'),
        ),
        migrations.AddConstraint(
            model_name='ordernote',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='an_order_note_says_something'),
        ),
        append_only.refuse_changes("orders_approval"),
        append_only.refuse_changes("orders_ordernote"),
    ]
