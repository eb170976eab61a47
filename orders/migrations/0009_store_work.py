"""Collections, batches, scans of handhelds, and what a store decides for itself."""

import core.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from core import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0008_changes_and_holds"),
        ("inventory", "0010_placements"),
        ("core", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BatchWork',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tote', models.CharField(max_length=12)),
                ('running', models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(help_text='What the customer shows or says', max_length=8, unique=True)),
                ('shelf', models.CharField(blank=True, help_text='The place on the ready shelf', max_length=20)),
                ('ready_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('collect_by', models.DateTimeField()),
                ('remind_at', models.DateTimeField(help_text='When the customer is reminded; empty: not, or it is done', null=True)),
                ('handed_over_at', models.DateTimeField(null=True)),
                ('proof', models.CharField(blank=True, choices=[('CODE', 'Their code'), ('ID', 'An identity document'), ('BOTH', 'Code and identity document'), ('NONE', 'Nothing, as the store allows')], max_length=4)),
                ('given_to', models.CharField(blank=True, max_length=120)),
                ('declined', models.PositiveIntegerField(default=0, help_text='Units the customer left at the counter')),
                ('put_back_at', models.DateTimeField(null=True)),
                ('put_back_by', models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='DeviceScan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=64)),
                ('kind', models.CharField(max_length=10)),
                ('target', models.CharField(max_length=40)),
                ('code', models.CharField(max_length=100)),
                ('into', models.CharField(blank=True, help_text='The tote the device named', max_length=12)),
                ('scanned_at', models.DateTimeField(help_text="By the device's clock")),
                ('judged_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('accepted', models.BooleanField()),
                ('rule', models.CharField(blank=True, help_text='The code of the refusal', max_length=40)),
                ('words', models.CharField(blank=True, max_length=300)),
            ],
        ),
        migrations.CreateModel(
            name='PickBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('OPEN', 'Open'), ('DONE', 'Done'), ('ENDED', 'Ended early')], default='OPEN', max_length=5)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('created_by', models.CharField(blank=True, max_length=200)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'pick batch',
                'verbose_name_plural': 'pick batches',
            },
        ),
        migrations.CreateModel(
            name='RefundDue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(max_length=120, unique=True)),
                ('amount', core.fields.MoneyField(decimal_places=4, max_digits=20)),
                ('currency', models.CharField(max_length=3)),
                ('why', models.CharField(max_length=255)),
                ('lines', models.JSONField(default=list)),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='ShortRule',
            fields=[
                ('code', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('title', models.CharField(max_length=60)),
                ('effect', models.CharField(choices=[('ALL_FREE', 'Write off everything free of it here'), ('MISSING', 'Write off the missing units'), ('DAMAGED', 'Move them to damaged'), ('SET_ASIDE', 'Set them aside'), ('NONE', 'Leave stock as it is')], max_length=9)),
                ('counts', models.BooleanField(default=False, help_text='Have the article counted here')),
                ('asks_again', models.BooleanField(default=False, help_text='This place may be asked for the line again')),
                ('active', models.BooleanField(default=True)),
                ('position', models.PositiveSmallIntegerField(default=100)),
            ],
        ),
        migrations.CreateModel(
            name='StorePolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('keep_days', models.PositiveSmallIntegerField(default=7, help_text='Days an order waits on the ready shelf, to the end of the last', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(90)])),
                ('remind_days', models.PositiveSmallIntegerField(default=2, help_text='The customer is reminded so many days before that; 0: never')),
                ('id_check', models.CharField(choices=[('ALWAYS', 'Always'), ('WITHOUT_CODE', 'When the customer has no code'), ('NEVER', 'Never')], default='WITHOUT_CODE', max_length=12)),
                ('batch_size', models.PositiveSmallIntegerField(default=8, help_text='Orders picked together at most, a tote each', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(26)])),
            ],
            options={
                'verbose_name_plural': 'store policies',
            },
        ),
        migrations.RemoveConstraint(
            model_name='shortpick',
            name='short_reason_is_known',
        ),
        migrations.AddField(
            model_name='shortpick',
            name='title',
            field=models.CharField(blank=True, db_default='', help_text="The reason's words at the time", max_length=60),
        ),
        migrations.AlterField(
            model_name='shortpick',
            name='reason',
            field=models.CharField(max_length=20),
        ),
        migrations.AddField(
            model_name='batchwork',
            name='fulfilment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='batch_works', to='orders.fulfilmentorder'),
        ),
        migrations.AddField(
            model_name='collection',
            name='fulfilment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='collection', to='orders.fulfilmentorder'),
        ),
        migrations.AddField(
            model_name='collection',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='collections', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='devicescan',
            name='location',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='devicescan',
            name='person',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='pickbatch',
            name='location',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pick_batches', to='inventory.location'),
        ),
        migrations.AddField(
            model_name='batchwork',
            name='batch',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='works', to='orders.pickbatch'),
        ),
        migrations.AddField(
            model_name='refunddue',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds_due', to='orders.order'),
        ),
        migrations.AddConstraint(
            model_name='shortrule',
            constraint=models.CheckConstraint(condition=models.Q(('effect__in', ['ALL_FREE', 'MISSING', 'DAMAGED', 'SET_ASIDE', 'NONE'])), name='short_effect_is_known'),
        ),
        migrations.AddConstraint(
            model_name='shortrule',
            constraint=models.CheckConstraint(condition=models.Q(('code__regex', '^[A-Z][A-Z0-9_]*$')), name='short_code_is_a_word'),
        ),
        migrations.AddField(
            model_name='storepolicy',
            name='location',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='store_policy', to='inventory.location'),
        ),
        migrations.AddIndex(
            model_name='collection',
            index=models.Index(fields=['location', 'collect_by', 'id'], name='collection_by_place'),
        ),
        migrations.AddIndex(
            model_name='collection',
            index=models.Index(condition=models.Q(('handed_over_at__isnull', True), ('put_back_at__isnull', True)), fields=['collect_by'], name='collection_running'),
        ),
        migrations.AddIndex(
            model_name='collection',
            index=models.Index(condition=models.Q(('remind_at__isnull', False)), fields=['remind_at'], name='collection_to_remind'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(('proof__in', ['', 'CODE', 'ID', 'BOTH', 'NONE'])), name='proof_is_known'),
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.CheckConstraint(condition=models.Q(('handed_over_at__isnull', True), models.Q(('proof', ''), _negated=True), _connector='OR'), name='what_is_handed_over_says_to_whom'),
        ),
        migrations.AddIndex(
            model_name='devicescan',
            index=models.Index(condition=models.Q(('accepted', False)), fields=['location', '-id'], name='scan_refused'),
        ),
        migrations.AddIndex(
            model_name='devicescan',
            index=models.Index(fields=['judged_at'], name='scan_by_age'),
        ),
        migrations.AddConstraint(
            model_name='devicescan',
            constraint=models.UniqueConstraint(fields=('person', 'key'), name='a_scan_is_judged_once'),
        ),
        migrations.AddConstraint(
            model_name='pickbatch',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['OPEN', 'DONE', 'ENDED'])), name='batch_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='batchwork',
            constraint=models.UniqueConstraint(fields=('batch', 'tote'), name='a_tote_holds_one_order_of_a_batch'),
        ),
        migrations.AddConstraint(
            model_name='batchwork',
            constraint=models.UniqueConstraint(condition=models.Q(('running', True)), fields=('fulfilment',), name='work_is_in_one_running_batch'),
        ),
        migrations.AddConstraint(
            model_name='refunddue',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('amount__lt', 1000000000000000)), name='refund_due_is_sane'),
        ),
        migrations.AddConstraint(
            model_name='storepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('id_check__in', ['ALWAYS', 'WITHOUT_CODE', 'NEVER'])), name='id_check_is_known'),
        ),
        migrations.AddConstraint(
            model_name='storepolicy',
            constraint=models.CheckConstraint(condition=models.Q(('batch_size__gt', 0), ('batch_size__lte', 26), ('keep_days__gt', 0), ('keep_days__lte', 90)), name='a_store_policy_makes_sense'),
        ),
        append_only.refuse_changes("orders_refunddue"),
    ]
