"""What other systems believe about our stock."""

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import uuid
from django.conf import settings
from core import append_only
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0002_append_only'),
        ('inventory', '0004_availability'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='LocationAlias',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('system', models.CharField(max_length=60)),
                ('code', models.CharField(max_length=200)),
            ],
            options={
                'verbose_name_plural': 'location aliases',
                'ordering': ('system', 'code'),
            },
        ),
        migrations.CreateModel(
            name='ReportedStock',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateTimeField()),
                ('sellable', models.BigIntegerField(null=True)),
                ('damaged', models.BigIntegerField(null=True)),
                ('quarantined', models.BigIntegerField(null=True)),
                ('awaiting_inspection', models.BigIntegerField(null=True)),
                ('in_transit_in', models.BigIntegerField(null=True)),
                ('reserved', models.BigIntegerField(null=True)),
                ('free', models.BigIntegerField(null=True)),
                ('on_hand', models.BigIntegerField(null=True)),
            ],
            options={
                'verbose_name_plural': 'reported stock',
            },
        ),
        migrations.CreateModel(
            name='SnapshotLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('n', models.PositiveIntegerField()),
                ('code', models.CharField(max_length=200)),
                ('place', models.CharField(max_length=200)),
                ('status', models.CharField(max_length=60)),
                ('quantity', models.IntegerField(null=True)),
                ('codes', models.JSONField(default=list, help_text='Every name the source gives the item, with its kind')),
                ('measure', models.CharField(blank=True, max_length=20)),
                ('outcome', models.CharField(choices=[('COMPARED', 'Compared'), ('IGNORED', 'Ignored'), ('UNRESOLVED', 'Unresolved'), ('REFUSED', 'Refused')], max_length=10)),
                ('problem', models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name='SnapshotPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lines', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='StatusMap',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('version', models.PositiveIntegerField()),
                ('statuses', models.JSONField(help_text='Normalised status word -> measure, or ignored')),
                ('note', models.CharField(blank=True, max_length=200)),
                ('actor_label', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ('source', '-version'),
            },
        ),
        migrations.CreateModel(
            name='StockDifference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('as_of', models.DateTimeField()),
                ('deltas', models.JSONField(help_text='State -> units to add so that the books say what the source says')),
                ('units', models.BigIntegerField(help_text='Net: what the source has more (or less) than the books')),
                ('gross', models.PositiveBigIntegerField(help_text='Units in question, whichever way')),
                ('value', models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('beyond', models.BooleanField(help_text="Beyond the source's tolerance: worth a case")),
                ('cause', models.CharField(choices=[('late_sale', 'Late sale'), ('missed_receipt', 'Missed receipt'), ('unmapped_status', 'Unmapped status'), ('wrong_state', 'Other state'), ('count_error', 'Count error')], max_length=20)),
                ('began_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'permissions': [('correct_difference', 'Can correct the books to what a source says'), ('export_difference', 'Can export differences')],
            },
        ),
        migrations.CreateModel(
            name='StockSnapshot',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.CharField(max_length=150)),
                ('fingerprint', models.BinaryField(max_length=32)),
                ('as_of', models.DateTimeField()),
                ('complete', models.BooleanField(default=False)),
                ('lines_total', models.PositiveIntegerField()),
                ('compared', models.PositiveIntegerField(default=0)),
                ('ignored', models.PositiveIntegerField(default=0)),
                ('unresolved', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
                ('remarks', models.JSONField(default=list)),
                ('cause_kind', models.CharField(max_length=40)),
                ('cause_uid', models.CharField(max_length=64)),
                ('cause_label', models.CharField(blank=True, max_length=200)),
                ('actor_label', models.CharField(max_length=200)),
                ('taken_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='StockSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=60, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('kind', models.CharField(choices=[('ERP', 'ERP'), ('WMS', 'Warehouse system'), ('POS', 'Till'), ('CHANNEL', 'Channel'), ('PARTNER', 'Partner')], max_length=7)),
                ('alias_system', models.CharField(max_length=60)),
                ('tolerance_units', models.PositiveIntegerField(default=0)),
                ('tolerance_percent', models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ('active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                'ordering': ('code',),
                'permissions': [('map_stocksource', "Can say what a source's words and codes mean")],
            },
        ),
        migrations.CreateModel(
            name='StockUpload',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('file_name', models.CharField(max_length=150)),
                ('kind', models.CharField(choices=[('csv', 'CSV'), ('xlsx', 'Excel')], max_length=4)),
                ('content', models.BinaryField()),
                ('size', models.PositiveIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('as_of', models.DateTimeField()),
                ('complete', models.BooleanField(default=False)),
                ('columns', models.JSONField(default=dict, help_text='What we need -> column number')),
                ('default_place', models.CharField(blank=True, max_length=200)),
                ('default_status', models.CharField(blank=True, max_length=60)),
                ('leave_out_bad', models.BooleanField(default=False)),
                ('status', models.CharField(choices=[('UPLOADED', 'To be confirmed'), ('CONFIRMED', 'Being taken'), ('TAKEN', 'Taken'), ('FAILED', 'Not taken'), ('DISCARDED', 'Discarded')], default='UPLOADED', max_length=9)),
                ('reason', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'permissions': [('import_stock', 'Can import what other systems believe about stock')],
            },
        ),
        migrations.AddIndex(
            model_name='reservation',
            index=models.Index(condition=models.Q(('status', 'HELD'), _negated=True), fields=['item', 'location', 'ended_at'], name='reservation_past'),
        ),
        migrations.AddField(
            model_name='locationalias',
            name='location',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='aliases', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='reportedstock',
            name='item',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='reportedstock',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='snapshotline',
            name='item',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='snapshotline',
            name='location',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='snapshotplace',
            name='location',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='stockdifference',
            name='item',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.item'),
        ),
        migrations.AddField(
            model_name='stockdifference',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='stocksnapshot',
            name='status_map',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.statusmap'),
        ),
        migrations.AddField(
            model_name='stockdifference',
            name='snapshot',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.stocksnapshot'),
        ),
        migrations.AddField(
            model_name='snapshotplace',
            name='snapshot',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='places', to='inventory.stocksnapshot'),
        ),
        migrations.AddField(
            model_name='snapshotline',
            name='snapshot',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='inventory.stocksnapshot'),
        ),
        migrations.AddField(
            model_name='reportedstock',
            name='snapshot',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.stocksnapshot'),
        ),
        migrations.AddConstraint(
            model_name='stocksource',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['ERP', 'WMS', 'POS', 'CHANNEL', 'PARTNER'])), name='stock_source_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='stocksource',
            constraint=models.CheckConstraint(condition=models.Q(('tolerance_percent__gte', 0), ('tolerance_percent__lte', 100)), name='tolerance_is_a_percentage'),
        ),
        migrations.AddField(
            model_name='stocksnapshot',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='snapshots', to='inventory.stocksource'),
        ),
        migrations.AddField(
            model_name='stockdifference',
            name='source',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='differences', to='inventory.stocksource'),
        ),
        migrations.AddField(
            model_name='statusmap',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='maps', to='inventory.stocksource'),
        ),
        migrations.AddField(
            model_name='reportedstock',
            name='source',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.stocksource'),
        ),
        migrations.AddField(
            model_name='stockupload',
            name='job',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.job'),
        ),
        migrations.AddField(
            model_name='stockupload',
            name='owner',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='stockupload',
            name='snapshot',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.stocksnapshot'),
        ),
        migrations.AddField(
            model_name='stockupload',
            name='source',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uploads', to='inventory.stocksource'),
        ),
        migrations.AddConstraint(
            model_name='locationalias',
            constraint=models.UniqueConstraint(fields=('system', 'code'), name='a_foreign_place_means_one_location'),
        ),
        migrations.AddConstraint(
            model_name='snapshotplace',
            constraint=models.UniqueConstraint(fields=('snapshot', 'location'), name='a_snapshot_counts_a_place_once'),
        ),
        migrations.AddIndex(
            model_name='snapshotline',
            index=models.Index(condition=models.Q(('outcome', 'UNRESOLVED')), fields=['snapshot', 'problem'], name='snapshot_line_open'),
        ),
        migrations.AddIndex(
            model_name='snapshotline',
            index=models.Index(fields=['item', 'location', '-snapshot'], name='snapshot_line_by_item'),
        ),
        migrations.AddConstraint(
            model_name='snapshotline',
            constraint=models.UniqueConstraint(fields=('snapshot', 'n'), name='a_snapshot_line_has_its_place'),
        ),
        migrations.AddConstraint(
            model_name='snapshotline',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['COMPARED', 'IGNORED', 'UNRESOLVED', 'REFUSED'])), name='snapshot_outcome_is_known'),
        ),
        migrations.AddConstraint(
            model_name='snapshotline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'COMPARED'), _negated=True), models.Q(('item__isnull', False), ('location__isnull', False), ('measure__in', ('sellable', 'damaged', 'quarantined', 'awaiting_inspection', 'in_transit_in', 'reserved', 'free', 'on_hand')), ('quantity__isnull', False)), _connector='OR'), name='only_what_is_understood_is_compared'),
        ),
        migrations.AddConstraint(
            model_name='snapshotline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'COMPARED'), ('problem', '')), models.Q(models.Q(('outcome', 'COMPARED'), _negated=True), models.Q(('problem', ''), _negated=True)), _connector='OR'), name='a_line_left_out_says_why'),
        ),
        migrations.AddIndex(
            model_name='stocksnapshot',
            index=models.Index(fields=['source', '-as_of'], name='snapshot_by_source'),
        ),
        migrations.AddConstraint(
            model_name='stocksnapshot',
            constraint=models.UniqueConstraint(fields=('source', 'ref'), name='a_snapshot_is_taken_once'),
        ),
        migrations.AddConstraint(
            model_name='stocksnapshot',
            constraint=models.CheckConstraint(condition=models.Q(('lines_total', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('compared'), '+', models.F('ignored')), '+', models.F('unresolved')), '+', models.F('refused')))), name='every_snapshot_line_has_an_outcome'),
        ),
        migrations.AddIndex(
            model_name='stockdifference',
            index=models.Index(condition=models.Q(('ended_at__isnull', True)), fields=['location', 'item'], name='difference_open'),
        ),
        migrations.AddIndex(
            model_name='stockdifference',
            index=models.Index(fields=['location', 'began_at'], name='difference_by_time'),
        ),
        migrations.AddConstraint(
            model_name='stockdifference',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('source', 'item', 'location'), name='one_difference_stands_per_source_and_place'),
        ),
        migrations.AddConstraint(
            model_name='stockdifference',
            constraint=models.CheckConstraint(condition=models.Q(('gross__gt', 0)), name='a_difference_is_about_units'),
        ),
        migrations.AddConstraint(
            model_name='stockdifference',
            constraint=models.CheckConstraint(condition=models.Q(('cause__in', ['late_sale', 'missed_receipt', 'unmapped_status', 'wrong_state', 'count_error'])), name='difference_cause_is_known'),
        ),
        migrations.AddConstraint(
            model_name='statusmap',
            constraint=models.UniqueConstraint(fields=('source', 'version'), name='a_status_map_has_its_version'),
        ),
        migrations.AddIndex(
            model_name='reportedstock',
            index=models.Index(fields=['location', 'item'], name='reported_by_location'),
        ),
        migrations.AddConstraint(
            model_name='reportedstock',
            constraint=models.UniqueConstraint(fields=('source', 'item', 'location'), name='a_source_has_one_latest_word'),
        ),
        migrations.AddIndex(
            model_name='stockupload',
            index=models.Index(fields=['-created_at', 'id'], name='upload_by_time'),
        ),
        migrations.AddConstraint(
            model_name='stockupload',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['UPLOADED', 'CONFIRMED', 'TAKEN', 'FAILED', 'DISCARDED'])), name='upload_status_is_known'),
        ),
        append_only.refuse_changes('inventory_statusmap'),
    ]
