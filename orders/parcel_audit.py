"""What must always be true of parcels and of what customers were told."""

from __future__ import annotations

from core import audit


def register() -> None:
    audit.register(
        "orders.a_parcel_bears_the_number_of_its_label",
        "A parcel whose label was bought is followed under that label's number.",
        """
        SELECT label.id, label.package_id, label.tracking_number, parcel.tracking_number AS followed
        FROM orders_parcellabel label JOIN orders_package parcel ON parcel.id = label.package_id
        WHERE label.status = 'BOUGHT' AND label.tracking_number <> parcel.tracking_number
        """,
    )
    audit.register(
        "orders.labels_of_ended_work_go_back",
        "An hour after work was cancelled or declined, none of its parcels has a label any more.",
        """
        SELECT label.id, work.number, label.status
        FROM orders_parcellabel label
        JOIN orders_package parcel ON parcel.id = label.package_id
        JOIN orders_fulfilmentorder work ON work.id = parcel.fulfilment_id
        WHERE label.status IN ('WANTED', 'BOUGHT') AND work.status IN ('CANCELLED', 'REJECTED')
            AND work.updated_at < now() - interval '1 hour'
        """,
    )
    audit.register(
        "orders.a_parcel_is_where_its_scans_say",
        "A parcel's state was said by one of its scans, or comes from its label.",
        """
        SELECT parcel.id, parcel.tracker FROM orders_package parcel
        WHERE parcel.tracker NOT IN ('unknown', 'pre_transit') AND NOT EXISTS (
            SELECT FROM orders_trackingevent scan WHERE scan.package_id = parcel.id AND scan.state = parcel.tracker
        )
        """,
    )
    audit.register(
        "orders.a_changed_promise_is_told_or_says_why",
        "An hour after a promise changed, the order has a message to its customer, or the reason why there is none.",
        """
        SELECT fact.id, fact.subject_label FROM core_event fact
        WHERE fact.type = 'order.promise_changed' AND fact.recorded_at < now() - interval '1 hour' AND NOT EXISTS (
            SELECT FROM orders_customermessage told WHERE told.cause = fact.uid
        )
        """,
    )
    audit.register(
        "orders.no_parcel_waits_for_a_van_that_ended",
        "A collection that was called off, refused or missed has no parcel waiting for it.",
        """
        SELECT parcel.id, parcel.package_id, call.status
        FROM orders_calledparcel parcel JOIN orders_vancall call ON call.id = parcel.call_id
        WHERE parcel.released_at IS NULL AND call.status IN ('CANCELLED', 'FAILED', 'MISSED')
        """,
    )
