"""Charges and postings."""

import core.fields
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orders', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('SALES_ORDER', 'Sales order')], default='SALES_ORDER', max_length=12)),
                ('key', models.CharField(max_length=60, unique=True)),
                ('reference', models.CharField(max_length=40)),
                ('sequence', models.PositiveSmallIntegerField(default=1)),
                ('status', models.CharField(choices=[('PENDING', 'Pending'), ('POSTED', 'Posted'), ('REJECTED', 'Rejected'), ('REVERSED', 'Reversed')], default='PENDING', max_length=8)),
                ('version', models.PositiveIntegerField(default=1)),
                ('document', models.JSONField()),
                ('currency', models.CharField(max_length=3)),
                ('total', core.fields.MoneyField(decimal_places=4, max_digits=20)),
                ('connection_uid', models.CharField(blank=True, help_text='The ERP connection it was last sent through', max_length=64)),
                ('connection_name', models.CharField(blank=True, max_length=120)),
                ('erp_id', models.CharField(blank=True, help_text="The ERP's own key of the document", max_length=40)),
                ('erp_number', models.CharField(blank=True, max_length=60)),
                ('erp_total', core.fields.MoneyField(decimal_places=4, max_digits=20, null=True)),
                ('waiting_for', models.CharField(blank=True, help_text="Why it isn't being sent right now", max_length=300)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('last_error', models.TextField(blank=True)),
                ('failure_class', models.CharField(blank=True, max_length=20)),
                ('answer', models.JSONField(default=dict, help_text='What the ERP said last, and what it had been asked')),
                ('lease_token', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('prepared_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('posted_at', models.DateTimeField(null=True)),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='orders.order')),
            ],
            options={
                'ordering': ('-id',),
                'permissions': [('retry_posting', 'Can send a rejected posting again')],
                'indexes': [models.Index(fields=['order', '-id'], name='posting_by_order'), models.Index(fields=['status', '-id'], name='posting_by_status'), models.Index(condition=models.Q(('erp_total__isnull', False), models.Q(('erp_total', models.F('total')), _negated=True)), fields=['-id'], name='posting_differing'), models.Index(condition=models.Q(('erp_number', ''), _negated=True), fields=['erp_number'], name='posting_by_erp_number')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'order', 'sequence'), name='an_order_is_posted_once'), models.UniqueConstraint(fields=('kind', 'reference'), name='a_reference_means_one_posting'), models.CheckConstraint(condition=models.Q(('kind__in', ['SALES_ORDER'])), name='posting_kind_is_known'), models.CheckConstraint(condition=models.Q(('status__in', ['PENDING', 'POSTED', 'REJECTED', 'REVERSED'])), name='posting_status_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('POSTED', 'REVERSED')), _negated=True), models.Q(('erp_number', ''), _negated=True), _connector='OR'), name='a_posted_document_has_a_number'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'REJECTED'), _negated=True), models.Q(models.Q(('last_error', ''), _negated=True), models.Q(('failure_class', ''), _negated=True)), _connector='OR'), name='a_rejected_posting_says_why'), models.CheckConstraint(condition=models.Q(('lease_token__isnull', True), models.Q(('lease_until__isnull', False), ('status', 'PENDING')), _connector='OR'), name='only_pending_postings_are_being_sent')],
            },
        ),
        migrations.CreateModel(
            name='PostingLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveSmallIntegerField()),
                ('account', models.CharField(max_length=40)),
                ('debit', core.fields.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ('credit', core.fields.MoneyField(decimal_places=4, default=0, max_digits=20)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('posting', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='finance.posting')),
            ],
            options={
                'ordering': ('posting', 'position'),
                'constraints': [models.UniqueConstraint(fields=('posting', 'position'), name='posting_lines_are_numbered'), models.CheckConstraint(condition=models.Q(models.Q(('credit', 0), ('debit__gt', 0)), models.Q(('credit__gt', 0), ('debit', 0)), _connector='OR'), name='a_posting_line_has_one_side')],
            },
        ),
        migrations.CreateModel(
            name='Charge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('sale', 'Sale'), ('tax', 'Tax'), ('shipping', 'Shipping'), ('discount', 'Discount'), ('fee', 'Fee'), ('refund', 'Refund'), ('adjustment', 'Adjustment'), ('chargeback', 'Chargeback')], max_length=10)),
                ('amount', core.fields.MoneyField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('key', models.CharField(max_length=80)),
                ('note', models.CharField(blank=True, max_length=200)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('order', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='charges', to='orders.order')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('order', 'key'), name='a_charge_counts_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['sale', 'tax', 'shipping', 'discount', 'fee', 'refund', 'adjustment', 'chargeback'])), name='charge_kind_is_known'), models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='a_charge_is_not_nothing')],
            },
        ),
    ]
