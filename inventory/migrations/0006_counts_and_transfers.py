"""Counts, plans and transfers, and what Django can't state: lines lie where their count does, entries stay."""

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from decimal import Decimal
from django.db import migrations, models

from core import append_only

# A line carries its count's place so that an index can say "one open count per item and place"; this keeps it equal.
PLACES = """
ALTER TABLE inventory_countline ADD CONSTRAINT a_count_line_lies_where_its_count_does
    FOREIGN KEY (count_id, location_id) REFERENCES inventory_count (id, location_id);
"""


# Few movements are told after they happened; posted counts look at those again.
TOLD_LATE = """
CREATE INDEX movement_told_late ON inventory_stockmovement (recorded_at) WHERE occurred_at < recorded_at;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0005_snapshots")]

    operations = [
        migrations.CreateModel(
            name='Count',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('REQUESTED', 'Requested'), ('COUNTING', 'Counting'), ('COUNTED', 'Counted'), ('IN_REVIEW', 'In review'), ('POSTED', 'Posted'), ('CANCELLED', 'Cancelled')], default='REQUESTED', max_length=9)),
                ('version', models.PositiveIntegerField(default=1)),
                ('origin', models.CharField(choices=[('HAND', 'By hand'), ('PLAN', 'By plan'), ('SHORT_PICK', 'Short pick'), ('SNAPSHOT', 'Another system differs')], default='HAND', max_length=10)),
                ('cause_kind', models.CharField(blank=True, max_length=40)),
                ('cause_uid', models.CharField(blank=True, max_length=64)),
                ('cause_label', models.CharField(blank=True, max_length=200)),
                ('blind', models.BooleanField(default=True)),
                ('round', models.PositiveSmallIntegerField(default=1, help_text='Lines of this round are to be counted')),
                ('due_at', models.DateTimeField()),
                ('requested_by', models.CharField(max_length=200)),
                ('counted_by', models.CharField(blank=True, max_length=200)),
                ('approved_by', models.CharField(blank=True, max_length=200)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('floor', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('started_at', models.DateTimeField(null=True)),
                ('round_at', models.DateTimeField(help_text='When the round at hand began', null=True)),
                ('counted_at', models.DateTimeField(null=True)),
                ('posted_at', models.DateTimeField(null=True)),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='counts', to='inventory.location')),
            ],
            options={
                'permissions': [('request_count', 'Can ask for counts'), ('work_count', 'Can count'), ('approve_count', 'Can approve counts others made')],
            },
        ),
        migrations.CreateModel(
            name='CountLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('open', models.BooleanField(default=True)),
                ('settled', models.BooleanField(default=False)),
                ('round', models.PositiveSmallIntegerField(default=1)),
                ('counted', models.IntegerField(null=True)),
                ('earlier', models.IntegerField(help_text='Found in the round before', null=True)),
                ('first_at', models.DateTimeField(null=True)),
                ('last_at', models.DateTimeField(null=True)),
                ('aside_low', models.IntegerField(default=0)),
                ('aside_high', models.IntegerField(default=0)),
                ('expected_low', models.IntegerField(null=True)),
                ('expected_high', models.IntegerField(null=True)),
                ('difference', models.IntegerField(null=True)),
                ('posted', models.IntegerField(default=0)),
                ('unit_cost', models.DecimalField(decimal_places=4, max_digits=20, null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('count', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='inventory.count')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.item')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location')),
            ],
        ),
        migrations.CreateModel(
            name='CountEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('round', models.PositiveSmallIntegerField()),
                ('figure', models.IntegerField(help_text='Units found by this entry, or the whole figure')),
                ('whole', models.BooleanField(default=False)),
                ('at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('actor_kind', models.CharField(max_length=12)),
                ('actor_uid', models.CharField(max_length=64)),
                ('actor_label', models.CharField(max_length=200)),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='inventory.countline')),
            ],
            options={
                'verbose_name_plural': 'count entries',
            },
        ),
        migrations.CreateModel(
            name='CountPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('active', models.BooleanField(default=True)),
                ('a_share', models.PositiveSmallIntegerField(default=80, help_text='Percent of the value sold that A items make up')),
                ('b_share', models.PositiveSmallIntegerField(default=95, help_text='Percent that A and B items make up')),
                ('a_days', models.PositiveSmallIntegerField(default=30)),
                ('b_days', models.PositiveSmallIntegerField(default=90)),
                ('c_days', models.PositiveSmallIntegerField(default=180)),
                ('lines_per_count', models.PositiveSmallIntegerField(default=25)),
                ('measured_over', models.PositiveSmallIntegerField(default=90, help_text='Days of sales')),
                ('opened_on', models.DateField(editable=False, help_text="The site's day of the last count it opened", null=True)),
                ('location', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='count_plan', to='inventory.location')),
            ],
        ),
        migrations.CreateModel(
            name='CountPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('recount_units', models.PositiveIntegerField(default=2, help_text='Differences up to this many units are believed')),
                ('recount_percent', models.DecimalField(decimal_places=2, default=Decimal('2.00'), help_text='…or up to this share of what was expected', max_digits=5)),
                ('approve_value', models.DecimalField(decimal_places=4, default=Decimal('100.0000'), help_text="In each item's own currency", max_digits=20)),
                ('approve_units', models.PositiveIntegerField(default=10, help_text='For items whose cost nobody knows')),
                ('location', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location')),
            ],
            options={
                'verbose_name_plural': 'count policies',
            },
        ),
        migrations.CreateModel(
            name='Pace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sold', models.IntegerField(default=0)),
                ('days', models.PositiveSmallIntegerField()),
                ('worth', models.DecimalField(decimal_places=4, default=0, max_digits=24)),
                ('abc', models.CharField(choices=[('A', 'A'), ('B', 'B'), ('C', 'C')], default='C', max_length=1)),
                ('measured_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.item')),
                ('location', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='inventory.location')),
            ],
        ),
        migrations.CreateModel(
            name='Transfer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('DRAFT', 'Draft'), ('REQUESTED', 'Requested'), ('PICKED', 'Picked'), ('IN_TRANSIT', 'In transit'), ('RECEIVED', 'Received'), ('DISCREPANT', 'Discrepant'), ('CANCELLED', 'Cancelled')], default='DRAFT', max_length=10)),
                ('version', models.PositiveIntegerField(default=1)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('suggested', models.BooleanField(default=False)),
                ('requested_by_kind', models.CharField(blank=True, max_length=12)),
                ('requested_by_uid', models.CharField(blank=True, max_length=64)),
                ('requested_by', models.CharField(max_length=200)),
                ('approved_by', models.CharField(blank=True, max_length=200)),
                ('carrier', models.CharField(blank=True, max_length=80)),
                ('tracking_number', models.CharField(blank=True, max_length=120)),
                ('ended_reason', models.CharField(blank=True, max_length=255)),
                ('due_at', models.DateTimeField(help_text='When it should arrive', null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('approved_at', models.DateTimeField(null=True)),
                ('shipped_at', models.DateTimeField(null=True)),
                ('received_at', models.DateTimeField(null=True)),
                ('destination', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transfers_in', to='inventory.location')),
                ('origin', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='transfers_out', to='inventory.location')),
            ],
            options={
                'permissions': [('request_transfer', 'Can ask for transfers'), ('approve_transfer', 'Can approve transfers others asked for'), ('work_transfer', 'Can pick, send and receive transfers'), ('settle_transfer', 'Can settle what was over, short or mis-shipped')],
            },
        ),
        migrations.CreateModel(
            name='TransferDiscrepancy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('SHORT', 'Short'), ('OVER', 'Over'), ('MISSHIPPED', 'Mis-shipped')], max_length=10)),
                ('quantity', models.PositiveIntegerField()),
                ('found_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('resolution', models.CharField(blank=True, choices=[('ARRIVED', 'Arrived after all'), ('LOST', 'Lost on the way'), ('NEVER_LEFT', 'Never left the origin'), ('FROM_ORIGIN', "Taken off the origin's books"), ('WAS_OURS', "The origin's books are right")], max_length=11)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('resolved_by', models.CharField(blank=True, max_length=200)),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.item')),
                ('transfer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='discrepancies', to='inventory.transfer')),
            ],
            options={
                'verbose_name_plural': 'transfer discrepancies',
            },
        ),
        migrations.CreateModel(
            name='TransferLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('wanted', models.PositiveIntegerField()),
                ('approved', models.PositiveIntegerField(default=0)),
                ('picked', models.PositiveIntegerField(default=0)),
                ('shipped', models.PositiveIntegerField(default=0)),
                ('found', models.PositiveIntegerField(default=0, help_text='Scanned at the destination so far')),
                ('damaged', models.PositiveIntegerField(default=0, help_text='Of those found')),
                ('received', models.PositiveIntegerField(default=0, help_text="In the destination's books, damaged ones included")),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.item')),
                ('transfer', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='inventory.transfer')),
            ],
        ),
        migrations.AddIndex(
            model_name='count',
            index=models.Index(condition=models.Q(('status__in', ['COUNTING', 'REQUESTED'])), fields=['location', 'due_at', 'id'], name='count_due'),
        ),
        migrations.AddIndex(
            model_name='count',
            index=models.Index(fields=['location', '-id'], name='count_by_location'),
        ),
        migrations.AddConstraint(
            model_name='count',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['REQUESTED', 'COUNTING', 'COUNTED', 'IN_REVIEW', 'POSTED', 'CANCELLED'])), name='count_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='count',
            constraint=models.CheckConstraint(condition=models.Q(('origin__in', ['HAND', 'PLAN', 'SHORT_PICK', 'SNAPSHOT'])), name='count_origin_is_known'),
        ),
        migrations.AddConstraint(
            model_name='count',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'POSTED'), _negated=True), models.Q(('counted_at__isnull', False), ('posted_at__isnull', False)), _connector='OR'), name='a_posted_count_says_when'),
        ),
        migrations.AddConstraint(
            model_name='count',
            constraint=models.UniqueConstraint(fields=('id', 'location'), name='count_with_its_place'),
        ),
        migrations.AddConstraint(
            model_name='countline',
            constraint=models.UniqueConstraint(fields=('count', 'item'), name='a_count_lists_an_item_once'),
        ),
        migrations.AddConstraint(
            model_name='countline',
            constraint=models.UniqueConstraint(condition=models.Q(('open', True)), fields=('location', 'item'), name='an_item_is_counted_once_at_a_time'),
        ),
        migrations.AddConstraint(
            model_name='countline',
            constraint=models.UniqueConstraint(condition=models.Q(('settled', True)), fields=('location', 'item'), name='one_count_is_the_latest_word'),
        ),
        migrations.AddConstraint(
            model_name='countline',
            constraint=models.CheckConstraint(condition=models.Q(('counted__isnull', True), models.Q(('counted__gte', 0), ('counted__lte', 1000000000)), _connector='OR'), name='counted_is_neither_negative_nor_absurd'),
        ),
        migrations.AddConstraint(
            model_name='countline',
            constraint=models.CheckConstraint(condition=models.Q(('counted__isnull', True), models.Q(('first_at__isnull', False), ('last_at__gte', models.F('first_at'))), _connector='OR'), name='what_was_counted_has_its_time'),
        ),
        migrations.AddConstraint(
            model_name='countline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('expected_high__isnull', True), ('expected_low__isnull', True)), ('expected_low__lte', models.F('expected_high')), _connector='OR'), name='what_is_expected_is_a_range'),
        ),
        migrations.AddConstraint(
            model_name='countentry',
            constraint=models.CheckConstraint(condition=models.Q(('figure__gte', 0), ('figure__lte', 1000000000)), name='an_entry_is_no_negative'),
        ),
        migrations.AddConstraint(
            model_name='countplan',
            constraint=models.CheckConstraint(condition=models.Q(('a_share__gt', 0), ('a_share__lte', models.F('b_share')), ('b_share__lte', 100)), name='abc_shares_rise_to_a_hundred'),
        ),
        migrations.AddConstraint(
            model_name='countplan',
            constraint=models.CheckConstraint(condition=models.Q(('a_days__gt', 0), ('a_days__lte', models.F('b_days')), ('b_days__lte', models.F('c_days'))), name='what_sells_more_is_counted_more_often'),
        ),
        migrations.AddConstraint(
            model_name='countplan',
            constraint=models.CheckConstraint(condition=models.Q(('lines_per_count__gt', 0), ('measured_over__gt', 0)), name='a_count_plan_makes_sense'),
        ),
        migrations.AddConstraint(
            model_name='countpolicy',
            constraint=models.UniqueConstraint(models.Value(1), condition=models.Q(('location__isnull', True)), name='one_count_policy_for_every_place'),
        ),
        migrations.AddConstraint(
            model_name='countpolicy',
            constraint=models.CheckConstraint(condition=models.Q(('approve_value__gte', 0), ('recount_percent__gte', 0), ('recount_percent__lte', 100)), name='a_count_policy_makes_sense'),
        ),
        migrations.AddConstraint(
            model_name='pace',
            constraint=models.UniqueConstraint(fields=('location', 'item'), name='one_pace_per_item_and_location'),
        ),
        migrations.AddConstraint(
            model_name='pace',
            constraint=models.CheckConstraint(condition=models.Q(('abc__in', ['A', 'B', 'C'])), name='pace_class_is_known'),
        ),
        migrations.AddConstraint(
            model_name='pace',
            constraint=models.CheckConstraint(condition=models.Q(('days__gt', 0)), name='a_pace_is_measured_over_days'),
        ),
        migrations.AddIndex(
            model_name='transfer',
            index=models.Index(fields=['origin', '-id'], name='transfer_by_origin'),
        ),
        migrations.AddIndex(
            model_name='transfer',
            index=models.Index(fields=['destination', '-id'], name='transfer_by_destination'),
        ),
        migrations.AddIndex(
            model_name='transfer',
            index=models.Index(condition=models.Q(('status', 'IN_TRANSIT')), fields=['due_at', 'id'], name='transfer_expected'),
        ),
        migrations.AddConstraint(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['DRAFT', 'REQUESTED', 'PICKED', 'IN_TRANSIT', 'RECEIVED', 'DISCREPANT', 'CANCELLED'])), name='transfer_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(('origin', models.F('destination')), _negated=True), name='a_transfer_goes_somewhere_else'),
        ),
        migrations.AddConstraint(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['DRAFT', 'REQUESTED', 'CANCELLED']), ('approved_at__isnull', False), _connector='OR'), name='only_an_approved_transfer_is_picked'),
        ),
        migrations.AddConstraint(
            model_name='transfer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['IN_TRANSIT', 'RECEIVED', 'DISCREPANT']), _negated=True), ('shipped_at__isnull', False), _connector='OR'), name='a_transfer_on_its_way_was_shipped'),
        ),
        migrations.AddIndex(
            model_name='transferdiscrepancy',
            index=models.Index(condition=models.Q(('resolution', '')), fields=['id'], name='discrepancy_standing'),
        ),
        migrations.AddConstraint(
            model_name='transferdiscrepancy',
            constraint=models.UniqueConstraint(fields=('transfer', 'item', 'kind'), name='a_discrepancy_is_found_once'),
        ),
        migrations.AddConstraint(
            model_name='transferdiscrepancy',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['SHORT', 'OVER', 'MISSHIPPED'])), name='discrepancy_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='transferdiscrepancy',
            constraint=models.CheckConstraint(condition=models.Q(('quantity__gt', 0)), name='a_discrepancy_has_units'),
        ),
        migrations.AddConstraint(
            model_name='transferdiscrepancy',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('resolution', ''), ('resolved_at__isnull', True)), models.Q(('kind', 'SHORT'), ('resolution__in', ['ARRIVED', 'LOST', 'NEVER_LEFT']), ('resolved_at__isnull', False)), models.Q(('kind__in', ['OVER', 'MISSHIPPED']), ('resolution__in', ['FROM_ORIGIN', 'WAS_OURS']), ('resolved_at__isnull', False)), _connector='OR'), name='a_resolution_fits_its_discrepancy'),
        ),
        migrations.AddConstraint(
            model_name='transferline',
            constraint=models.UniqueConstraint(fields=('transfer', 'item'), name='a_transfer_lists_an_item_once'),
        ),
        migrations.AddConstraint(
            model_name='transferline',
            constraint=models.CheckConstraint(condition=models.Q(('approved__lte', models.F('wanted')), ('damaged__lte', models.F('found')), ('found__lte', 1000000000), ('picked__lte', models.F('approved')), ('received__lte', 1000000000), ('shipped__lte', models.F('picked')), ('wanted__lte', 1000000000)), name='a_transfer_line_only_shrinks_on_its_way'),
        ),
        migrations.RunSQL(
            PLACES, "ALTER TABLE inventory_countline DROP CONSTRAINT a_count_line_lies_where_its_count_does;"
        ),
        migrations.RunSQL(TOLD_LATE, "DROP INDEX movement_told_late;"),
        append_only.refuse_changes("inventory_countentry"),
    ]
