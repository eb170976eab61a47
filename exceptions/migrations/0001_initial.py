"""Cases, their pauses and notes, queues and the rules of how long people have."""

import core.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.utils.timezone
import exceptions.models.case
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('core', '0001_initial'),
        ('core', '__first__'),
    ]

    operations = [
        django.contrib.postgres.operations.TrigramExtension(
        ),
        migrations.CreateModel(
            name='Queue',
            fields=[
                ('code', models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80)),
                ('icon', models.CharField(db_default='inbox', default='inbox', max_length=40)),
                ('position', models.PositiveSmallIntegerField(db_default=100, default=100)),
            ],
            options={
                'ordering': ('position', 'code'),
            },
        ),
        migrations.CreateModel(
            name='SlaPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.SlugField(max_length=60)),
                ('version', models.PositiveIntegerField(default=1)),
                ('name', models.CharField(max_length=120)),
                ('position', models.PositiveIntegerField(default=100, help_text='The first rule that matches wins')),
                ('reason', models.CharField(blank=True, max_length=80)),
                ('minimum_severity', models.PositiveSmallIntegerField(default=0)),
                ('acknowledge_minutes', models.PositiveIntegerField()),
                ('resolve_minutes', models.PositiveIntegerField()),
                ('warn_minutes', models.PositiveIntegerField(default=60, help_text='Warn this long before resolve is due')),
                ('business_time', models.BooleanField(default=True, help_text='Off: round the clock')),
                ('current', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('queue', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='exceptions.queue')),
                ('site', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, to='core.site')),
            ],
            options={
                'verbose_name': 'service level rule',
                'ordering': ('position', 'pk'),
                'constraints': [models.UniqueConstraint(fields=('code', 'version'), name='a_rule_version_is_written_once'), models.UniqueConstraint(condition=models.Q(('current', True)), fields=('code',), name='one_version_of_a_rule_is_current'), models.CheckConstraint(condition=models.Q(('resolve_minutes__gt', 0), ('acknowledge_minutes__gt', 0)), name='a_rule_gives_some_time')],
            },
        ),
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=80)),
                ('severity', models.PositiveSmallIntegerField(choices=[(1, 'Low'), (2, 'Normal'), (3, 'High'), (4, 'Critical')], default=2)),
                ('subject_kind', models.CharField(max_length=40)),
                ('subject_uid', models.CharField(max_length=64)),
                ('subject_label', models.CharField(blank=True, max_length=200)),
                ('title', models.CharField(max_length=200)),
                ('summary', models.CharField(blank=True, max_length=500)),
                ('value', core.fields.MoneyField(db_default=0, decimal_places=4, default=0, max_digits=20)),
                ('currency', models.CharField(blank=True, db_default='', max_length=3)),
                ('data', models.JSONField(db_default=models.Value({}, output_field=models.JSONField()), default=dict)),
                ('search', models.TextField(blank=True, db_default='', help_text="What the list's search looks in, lower case")),
                ('status', models.CharField(choices=[('OPEN', 'Open'), ('WAITING', 'Waiting'), ('RESOLVED', 'Resolved')], default='OPEN', max_length=10)),
                ('waiting_on', models.CharField(blank=True, choices=[('customer', 'Customer'), ('store', 'Store'), ('supplier', 'Supplier'), ('carrier', 'Carrier'), ('system', 'Another system'), ('colleague', 'A colleague')], db_default='', max_length=12)),
                ('waiting_since', models.DateTimeField(blank=True, null=True)),
                ('wait_until', models.DateTimeField(blank=True, null=True)),
                ('owned_since', models.DateTimeField(blank=True, null=True)),
                ('outcome', models.CharField(blank=True, choices=[('fixed', 'Fixed'), ('cleared', 'Cleared by itself'), ('waived', 'Waived'), ('duplicate', 'Duplicate')], db_default='', max_length=10)),
                ('outcome_note', models.TextField(blank=True, db_default='')),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(help_text="When it turned true, by the fact's own time")),
                ('opened_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('last_seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('occurrences', models.PositiveIntegerField(db_default=1, default=1)),
                ('reopened', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('acknowledge_minutes', models.PositiveIntegerField(default=60)),
                ('resolve_minutes', models.PositiveIntegerField(default=480)),
                ('business_time', models.BooleanField(db_default=True, default=True)),
                ('acknowledge_by', models.DateTimeField()),
                ('resolve_by', models.DateTimeField()),
                ('promise_by', models.DateTimeField(blank=True, null=True)),
                ('warn_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('warned_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledge_breached_at', models.DateTimeField(blank=True, null=True)),
                ('breached_at', models.DateTimeField(blank=True, null=True)),
                ('promise_breached_at', models.DateTimeField(blank=True, null=True)),
                ('version', models.PositiveIntegerField(db_default=1, default=1)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('is_open', models.GeneratedField(db_persist=True, expression=models.Q(('status', 'RESOLVED'), _negated=True), output_field=models.BooleanField())),
                ('due_at', models.GeneratedField(db_persist=True, expression=models.Case(models.When(status='OPEN', then=django.db.models.functions.comparison.Least(models.Case(models.When(models.Q(('acknowledged_at__isnull', True)), then=models.F('acknowledge_by')), default=None, output_field=models.DateTimeField()), models.F('resolve_by'), models.F('promise_by'))), models.When(status='WAITING', then=django.db.models.functions.comparison.Least(models.F('resolve_by'), models.F('promise_by'))), default=None, output_field=models.DateTimeField()), output_field=models.DateTimeField(null=True))),
                ('rank', models.GeneratedField(db_persist=True, expression=models.Case(models.When(status='OPEN', then=exceptions.models.case.Microseconds(django.db.models.functions.comparison.Least(models.Case(models.When(models.Q(('acknowledged_at__isnull', True)), then=models.F('acknowledge_by')), default=None, output_field=models.DateTimeField()), models.F('resolve_by'), models.F('promise_by')))), models.When(status='WAITING', then=django.db.models.expressions.CombinedExpression(exceptions.models.case.Microseconds(django.db.models.functions.comparison.Least(models.F('resolve_by'), models.F('promise_by'))), '+', models.Value(100000000000000000))), default=None, output_field=models.BigIntegerField()), output_field=models.BigIntegerField(null=True))),
                ('next_tick', models.GeneratedField(db_persist=True, expression=models.Case(models.When(status='OPEN', then=django.db.models.functions.comparison.Least(models.Case(models.When(models.Q(('acknowledge_breached_at__isnull', True), ('acknowledged_at__isnull', True)), then=models.F('acknowledge_by')), default=None, output_field=models.DateTimeField()), models.Case(models.When(models.Q(('breached_at__isnull', True), ('warned_at__isnull', True)), then=models.F('warn_at')), default=None, output_field=models.DateTimeField()), models.Case(models.When(models.Q(('breached_at__isnull', True)), then=models.F('resolve_by')), default=None, output_field=models.DateTimeField()), models.Case(models.When(models.Q(('promise_breached_at__isnull', True)), then=models.F('promise_by')), default=None, output_field=models.DateTimeField()))), models.When(status='WAITING', then=django.db.models.functions.comparison.Least(models.F('wait_until'), models.Case(models.When(models.Q(('promise_breached_at__isnull', True)), then=models.F('promise_by')), default=None, output_field=models.DateTimeField()))), default=None, output_field=models.DateTimeField()), output_field=models.DateTimeField(null=True))),
                ('owner', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='exceptions.case')),
                ('previous', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='exceptions.case')),
                ('site', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='core.site')),
                ('queue', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='cases', to='exceptions.queue')),
                ('policy', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to='exceptions.slapolicy')),
            ],
            options={
                'permissions': [('work_case', 'Can claim, pause, note and resolve cases'), ('assign_case', 'Can give cases to other people'), ('waive_case', 'Can sign a waiver for a case that is still true'), ('export_case', 'Can download lists of cases')],
                'indexes': [models.Index(condition=models.Q(('is_open', True)), fields=['rank', 'id'], include=('value', 'currency'), name='case_by_clock'), models.Index(condition=models.Q(('is_open', True)), fields=['queue', 'rank', 'id'], name='case_by_queue'), models.Index(condition=models.Q(('is_open', True)), fields=['owner', 'rank', 'id'], name='case_by_owner'), models.Index(condition=models.Q(('is_open', True)), fields=['site', 'rank', 'id'], name='case_by_site'), models.Index(condition=models.Q(('is_open', True)), fields=['reason', 'rank', 'id'], name='case_by_reason'), models.Index(condition=models.Q(('is_open', True)), fields=['-value', 'id'], name='case_by_value'), models.Index(condition=models.Q(('status', 'WAITING')), fields=['promise_by'], name='case_promise_while_paused'), models.Index(condition=models.Q(('next_tick__isnull', False)), fields=['next_tick'], name='case_to_sweep'), models.Index(fields=['subject_kind', 'subject_uid', '-id'], name='case_by_subject'), models.Index(condition=models.Q(('parent__isnull', False)), fields=['parent'], name='case_by_parent'), django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass(models.F('search'), name='gin_trgm_ops'), name='case_by_words')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('reason', 'subject_kind', 'subject_uid'), name='a_reason_is_open_once_per_subject'), models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'WAITING', 'RESOLVED'])), name='case_status_is_known'), models.CheckConstraint(condition=models.Q(('severity__in', [1, 2, 3, 4])), name='case_severity_is_known'), models.CheckConstraint(condition=models.Q(models.Q(('outcome__in', ['fixed', 'cleared', 'waived', 'duplicate']), ('resolved_at__isnull', False), ('status', 'RESOLVED')), models.Q(models.Q(('status', 'RESOLVED'), _negated=True), ('outcome', ''), ('resolved_at__isnull', True)), _connector='OR'), name='a_case_is_resolved_with_an_outcome'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'WAITING'), ('waiting_on__in', ['customer', 'store', 'supplier', 'carrier', 'system', 'colleague']), ('waiting_since__isnull', False)), models.Q(models.Q(('status', 'WAITING'), _negated=True), ('wait_until__isnull', True), ('waiting_on', ''), ('waiting_since__isnull', True)), _connector='OR'), name='a_waiting_case_names_whom_it_waits_for'), models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'waived'), _negated=True), models.Q(('outcome_note', ''), _negated=True), _connector='OR'), name='a_waiver_is_reasoned'), models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'duplicate'), _negated=True), ('parent__isnull', False), _connector='OR'), name='a_duplicate_names_the_other_case'), models.CheckConstraint(condition=models.Q(models.Q(('owned_since__isnull', True), ('owner__isnull', True)), models.Q(('owned_since__isnull', False), ('owner__isnull', False)), _connector='OR'), name='an_owner_has_owned_since_some_time'), models.CheckConstraint(condition=models.Q(('resolve_by__gte', models.F('started_at')), ('acknowledge_by__gte', models.F('started_at'))), name='a_clock_ends_after_it_starts'), models.CheckConstraint(condition=models.Q(('parent__isnull', True), models.Q(('parent', models.F('id')), _negated=True), _connector='OR'), name='a_case_is_not_its_own_parent'), models.CheckConstraint(condition=models.Q(('occurrences__gte', 1)), name='a_case_occurred_at_least_once')],
            },
        ),
        migrations.CreateModel(
            name='CaseNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('author_kind', models.CharField(max_length=12)),
                ('author_uid', models.CharField(max_length=64)),
                ('author_label', models.CharField(max_length=200)),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='exceptions.case')),
            ],
            options={
                'indexes': [models.Index(fields=['case', '-id'], name='note_by_case')],
                'constraints': [models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='a_note_says_something')],
            },
        ),
        migrations.CreateModel(
            name='CasePause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('waiting_on', models.CharField(choices=[('customer', 'Customer'), ('store', 'Store'), ('supplier', 'Supplier'), ('carrier', 'Carrier'), ('system', 'Another system'), ('colleague', 'A colleague')], max_length=12)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('case', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pauses', to='exceptions.case')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('case',), name='a_case_pauses_once_at_a_time'), models.CheckConstraint(condition=models.Q(('ended_at__isnull', True), ('ended_at__gte', models.F('started_at')), _connector='OR'), name='a_pause_ends_after_it_starts')],
            },
        ),
    ]
