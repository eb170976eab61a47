"""Connections, what came in through them and what went out."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('orders', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Connection',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('code', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('CHANNEL', 'Channel'), ('ERP', 'ERP'), ('CARRIER', 'Carrier'), ('PAYMENT', 'Payments'), ('WMS', 'Warehouse'), ('POS', 'Till'), ('MESSAGING', 'Messaging'), ('SUPPLIER', 'Supplier')], max_length=12)),
                ('vendor', models.SlugField(max_length=40)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('status', models.CharField(choices=[('ACTIVE', 'Active'), ('PAUSED', 'Paused'), ('DISABLED', 'Disabled')], default='ACTIVE', max_length=10)),
                ('status_reason', models.CharField(blank=True, max_length=300)),
                ('health', models.CharField(choices=[('UNKNOWN', 'Not tried yet'), ('OK', 'Healthy'), ('TROUBLED', 'Troubled')], default='UNKNOWN', max_length=10)),
                ('health_reason', models.CharField(blank=True, max_length=300)),
                ('last_ok_at', models.DateTimeField(blank=True, null=True)),
                ('last_failure_at', models.DateTimeField(blank=True, null=True)),
                ('refused_signatures', models.PositiveIntegerField(default=0, editable=False)),
                ('rate_per_minute', models.PositiveIntegerField(default=600, validators=[django.core.validators.MinValueValidator(1)])),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('channel', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='connections', to='orders.channel')),
            ],
            options={
                'ordering': ['code'],
                'permissions': [('pause_connection', 'Can pause and resume connections')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['CHANNEL', 'ERP', 'CARRIER', 'PAYMENT', 'WMS', 'POS', 'MESSAGING', 'SUPPLIER'])), name='connection_kind_is_known'), models.CheckConstraint(condition=models.Q(('status__in', ['ACTIVE', 'PAUSED', 'DISABLED'])), name='connection_status_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'CHANNEL'), _negated=True), ('channel__isnull', False), _connector='OR'), name='channel_connection_has_its_channel')],
            },
        ),
        migrations.CreateModel(
            name='ApiClient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('prefix', models.CharField(editable=False, max_length=12, unique=True)),
                ('key_hash', models.CharField(editable=False, max_length=64)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, size=None)),
                ('active', models.BooleanField(default=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('rate_per_minute', models.PositiveIntegerField(default=6000)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('channels', models.ManyToManyField(blank=True, help_text='None chosen: every channel.', to='orders.channel')),
            ],
            options={
                'verbose_name': 'API client',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='Pace',
            fields=[
                ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='pace', serialize=False, to='integrations.connection')),
                ('spent_until', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='ConnectionSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=40)),
                ('sealed', models.BinaryField()),
                ('active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sealed_secrets', to='integrations.connection')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('active', True)), fields=['connection', 'name'], name='secret_in_force')],
            },
        ),
        migrations.CreateModel(
            name='InboundMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('external_id', models.CharField(max_length=200)),
                ('topic', models.CharField(blank=True, max_length=100)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.BinaryField()),
                ('size', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('verdict', models.CharField(choices=[('GOOD', 'Signature is right'), ('NONE', 'Not signed (file or poll)')], max_length=6)),
                ('status', models.CharField(choices=[('RECEIVED', 'Received'), ('PROCESSED', 'Processed'), ('DUPLICATE', 'Duplicate'), ('FAILED', 'Failed'), ('IGNORED', 'Ignored')], default='RECEIVED', max_length=10)),
                ('failure_class', models.CharField(blank=True, choices=[('connection', 'connection'), ('rate_limit', 'rate limit'), ('authentication', 'authentication'), ('missing_reference', 'missing reference'), ('bad_value', 'bad value'), ('duplicate', 'duplicate'), ('conflict', 'conflict'), ('too_large', 'too large'), ('unparsable', 'unparsable')], max_length=20)),
                ('reason', models.TextField(blank=True)),
                ('faults', models.JSONField(default=list)),
                ('waits_for', models.CharField(blank=True, max_length=200)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('lease_token', models.UUIDField(null=True)),
                ('mapping_version', models.CharField(blank=True, max_length=40)),
                ('result_kind', models.CharField(blank=True, max_length=30)),
                ('result_uid', models.CharField(blank=True, max_length=64)),
                ('result_label', models.CharField(blank=True, max_length=100)),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('processed_at', models.DateTimeField(null=True)),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('copies', models.PositiveIntegerField(default=0)),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='integrations.connection')),
            ],
            options={
                'verbose_name': 'message',
                'permissions': [('reprocess_inboundmessage', 'Can reprocess and discard messages'), ('see_message_payload', 'Can see and download unmasked payloads')],
                'indexes': [models.Index(condition=models.Q(('status', 'RECEIVED')), fields=['next_at', 'id'], name='message_due'), models.Index(condition=models.Q(('waits_for', ''), _negated=True), fields=['waits_for'], name='message_waiting'), models.Index(condition=models.Q(('status', 'FAILED')), fields=['connection', 'failure_class', 'topic'], name='message_alike'), models.Index(fields=['status', '-id'], name='message_by_status'), models.Index(fields=['connection', '-id'], name='message_by_connection'), models.Index(django.contrib.postgres.indexes.OpClass('external_id', name='text_pattern_ops'), name='message_external_id'), models.Index(django.contrib.postgres.indexes.OpClass('result_label', name='text_pattern_ops'), name='message_result')],
                'constraints': [models.UniqueConstraint(fields=('connection', 'external_id'), name='a_delivery_is_kept_once'), models.CheckConstraint(condition=models.Q(('status__in', ['RECEIVED', 'PROCESSED', 'DUPLICATE', 'FAILED', 'IGNORED'])), name='message_status_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'FAILED'), _negated=True), models.Q(models.Q(('failure_class', ''), _negated=True), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='a_failed_message_says_why'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'IGNORED'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='an_ignored_message_says_why')],
            },
        ),
        migrations.CreateModel(
            name='OutboundCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('method', models.CharField(max_length=8)),
                ('url', models.CharField(max_length=500)),
                ('purpose', models.CharField(blank=True, max_length=100)),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('failure_class', models.CharField(blank=True, choices=[('connection', 'connection'), ('rate_limit', 'rate limit'), ('authentication', 'authentication'), ('missing_reference', 'missing reference'), ('bad_value', 'bad value'), ('duplicate', 'duplicate'), ('conflict', 'conflict'), ('too_large', 'too large'), ('unparsable', 'unparsable')], max_length=20)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('request_excerpt', models.TextField(blank=True)),
                ('response_excerpt', models.TextField(blank=True)),
                ('duration_ms', models.PositiveIntegerField(default=0)),
                ('correlation_id', models.CharField(blank=True, max_length=64)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('connection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='calls', to='integrations.connection')),
            ],
            options={
                'indexes': [models.Index(fields=['connection', '-id'], name='call_by_connection'), models.Index(fields=['at'], name='call_by_age')],
            },
        ),
        migrations.CreateModel(
            name='Breaker',
            fields=[
                ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='breaker', serialize=False, to='integrations.connection')),
                ('state', models.CharField(choices=[('CLOSED', 'Closed'), ('OPEN', 'Open'), ('HALF_OPEN', 'Half open')], default='CLOSED', max_length=10)),
                ('window_started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('calls', models.PositiveIntegerField(default=0)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('successes_after_probe', models.PositiveSmallIntegerField(default=0)),
                ('opened_at', models.DateTimeField(null=True)),
                ('next_probe_at', models.DateTimeField(null=True)),
                ('hold_until', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, max_length=300)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['CLOSED', 'OPEN', 'HALF_OPEN'])), name='breaker_state_is_known'), models.CheckConstraint(condition=models.Q(('failures__lte', models.F('calls'))), name='breaker_failures_are_calls')],
            },
        ),
    ]
