from django.db import migrations, models
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import uuid


class Migration(migrations.Migration):
    dependencies = [("orders", "0005_policies"), ("inventory", "0009_nodes")]

    operations = [
        migrations.CreateModel(
            name="BackOrder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("receipt_id", models.BigIntegerField(help_text="The expected delivery of inventory")),
                (
                    "transfer",
                    models.BooleanField(default=False, help_text="Brought to the pickup store by a transfer of ours"),
                ),
                ("asked", models.PositiveIntegerField(help_text="Units at first; never changes")),
                ("quantity", models.PositiveIntegerField()),
                ("filled", models.PositiveIntegerField(default=0)),
                (
                    "first_due_at",
                    models.DateTimeField(help_text="When the delivery was due as this was promised; never changes"),
                ),
                ("due_at", models.DateTimeField()),
                ("promise_by", models.DateTimeField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("WAITING", "Waiting"),
                            ("FILLED", "Filled"),
                            ("CANCELLED", "Cancelled"),
                            ("MOVED", "Moved to another delivery"),
                        ],
                        default="WAITING",
                        max_length=9,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_reason", models.CharField(blank=True, max_length=255)),
            ],
            options={
                "verbose_name": "back-order",
            },
        ),
        migrations.CreateModel(
            name="CarrierOutage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("carrier", models.CharField(max_length=60)),
                ("reason", models.CharField(max_length=255)),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_by", models.CharField(blank=True, max_length=200)),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.CharField(blank=True, max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name="PartnerLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "connection_code",
                    models.SlugField(blank=True, help_text="Empty: a person passes requests on", max_length=60),
                ),
                (
                    "answer_minutes",
                    models.PositiveIntegerField(default=240, help_text="It accepts or declines within this time"),
                ),
                (
                    "ship_hours",
                    models.PositiveIntegerField(default=48, help_text="It sends within this time of our request"),
                ),
                (
                    "takes_back_silent",
                    models.BooleanField(
                        default=False, help_text="No answer in time: the work is taken back and sourced elsewhere"
                    ),
                ),
                ("account_ref", models.CharField(blank=True, help_text="What the partner calls us", max_length=120)),
                ("active", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="PartnerRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("REQUESTED", "Requested"),
                            ("ACCEPTED", "Accepted"),
                            ("SHIPPED", "Shipped"),
                            ("REJECTED", "Rejected"),
                            ("WITHDRAWN", "Withdrawn"),
                        ],
                        default="REQUESTED",
                        max_length=9,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("partner_ref", models.CharField(blank=True, help_text="What the partner calls it", max_length=120)),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("OUT_OF_STOCK", "Out of stock"),
                            ("DISCONTINUED", "No longer sold"),
                            ("CANNOT_SHIP_THERE", "Doesn't send there"),
                            ("TOO_LATE", "Can't make the date"),
                            ("BAD_ADDRESS", "Address not usable"),
                            ("PRICE", "Price not agreed"),
                            ("OTHER", "Other"),
                        ],
                        max_length=17,
                    ),
                ),
                ("said", models.CharField(blank=True, help_text="The partner's own words", max_length=255)),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("answer_by", models.DateTimeField()),
                ("ship_by", models.DateTimeField()),
                ("promised_at", models.DateTimeField(help_text="When the partner says it will send", null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "told_withdrawn_at",
                    models.DateTimeField(help_text="When the partner took note that it is off", null=True),
                ),
                ("sent_anyway", models.BooleanField(default=False, help_text="It left although it had been withdrawn")),
            ],
            options={
                "permissions": [("answer_partnerrequest", "Can enter a partner's answer")],
            },
        ),
        migrations.AddField(
            model_name="fulfilmentorder",
            name="risk_judged_at",
            field=models.DateTimeField(help_text="When another node was last looked for in time", null=True),
        ),
        migrations.AlterField(
            model_name="fulfilmentorder",
            name="method",
            field=models.CharField(
                choices=[
                    ("SHIP", "Sent"),
                    ("PICKUP", "Collected"),
                    ("SHIP_TO_STORE", "Sent to the store, collected there"),
                    ("DROPSHIP", "Sent by the supplier"),
                ],
                default="SHIP",
                max_length=13,
            ),
        ),
        migrations.AddConstraint(
            model_name="fulfilmentorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("method__in", ["SHIP", "PICKUP", "SHIP_TO_STORE", "DROPSHIP"])),
                name="fulfilment_method_is_known",
            ),
        ),
        migrations.AddField(
            model_name="backorder",
            name="item",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.item"
            ),
        ),
        migrations.AddField(
            model_name="backorder",
            name="location",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="inventory.location"
            ),
        ),
        migrations.AddField(
            model_name="backorder",
            name="order_line",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="backorders", to="orders.orderline"
            ),
        ),
        migrations.AddConstraint(
            model_name="carrieroutage",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)),
                fields=("carrier",),
                name="a_carrier_is_out_once_at_a_time",
            ),
        ),
        migrations.AddField(
            model_name="partnerlink",
            name="location",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="partner_link", to="inventory.location"
            ),
        ),
        migrations.AddField(
            model_name="partnerrequest",
            name="fulfilment",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="partner_request", to="orders.fulfilmentorder"
            ),
        ),
        migrations.AddIndex(
            model_name="backorder",
            index=models.Index(
                condition=models.Q(("status", "WAITING")), fields=["receipt_id"], name="backorder_of_delivery"
            ),
        ),
        migrations.AddIndex(
            model_name="backorder",
            index=models.Index(
                condition=models.Q(("status", "WAITING")), fields=["due_at", "id"], name="backorder_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="backorder",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["WAITING", "FILLED", "CANCELLED", "MOVED"])),
                name="backorder_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="backorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("ended_at__isnull", True), ("quantity__gt", 0), ("status", "WAITING")),
                    models.Q(
                        models.Q(("status", "WAITING"), _negated=True), ("ended_at__isnull", False), ("quantity", 0)
                    ),
                    _connector="OR",
                ),
                name="a_backorder_waits_while_units_do",
            ),
        ),
        migrations.AddConstraint(
            model_name="backorder",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "asked__gte",
                        django.db.models.expressions.CombinedExpression(models.F("quantity"), "+", models.F("filled")),
                    )
                ),
                name="backorder_units_add_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="backorder",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "WAITING")),
                fields=("order_line", "receipt_id"),
                name="a_line_waits_for_a_delivery_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="partnerlink",
            constraint=models.CheckConstraint(
                condition=models.Q(("answer_minutes__gt", 0), ("ship_hours__gt", 0)),
                name="a_partner_has_some_time_to_answer",
            ),
        ),
        migrations.AddIndex(
            model_name="partnerrequest",
            index=models.Index(
                condition=models.Q(("status", "REQUESTED")), fields=["answer_by", "id"], name="partner_unanswered"
            ),
        ),
        migrations.AddIndex(
            model_name="partnerrequest",
            index=models.Index(
                condition=models.Q(("status", "ACCEPTED")), fields=["ship_by", "id"], name="partner_unsent"
            ),
        ),
        migrations.AddConstraint(
            model_name="partnerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["REQUESTED", "ACCEPTED", "SHIPPED", "REJECTED", "WITHDRAWN"])),
                name="partner_request_status_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="partnerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reason", ""),
                    (
                        "reason__in",
                        [
                            "OUT_OF_STOCK",
                            "DISCONTINUED",
                            "CANNOT_SHIP_THERE",
                            "TOO_LATE",
                            "BAD_ADDRESS",
                            "PRICE",
                            "OTHER",
                        ],
                    ),
                    _connector="OR",
                ),
                name="partner_reject_reason_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="partnerrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "REJECTED"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="a_partner_says_why_it_declines",
            ),
        ),
    ]
