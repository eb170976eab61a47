"""Rules Django can't state: composite foreign keys, normalised SKUs, an append-only ledger, one way out of HELD."""

from django.db import migrations

from core import append_only

SKUS = """
ALTER TABLE inventory_item
    ADD CONSTRAINT sku_is_normalised CHECK (sku IS NFKC NORMALIZED AND sku <> '' AND sku = btrim(sku));
"""

# A CHECK sees its own row only, so stock rows carry the location's flag; this key keeps the copy equal. Turning the
# flag off cascades into the rows and is refused by their CHECK while one of them promises more than it has.
BACKORDERS = """
ALTER TABLE inventory_stock ADD CONSTRAINT stock_follows_its_locations_backorder_rule
    FOREIGN KEY (location_id, allows_backorder)
    REFERENCES inventory_location (id, allows_backorder) ON UPDATE CASCADE;

CREATE FUNCTION inventory_stock_learns_backorder_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT allows_backorder INTO STRICT NEW.allows_backorder FROM inventory_location WHERE id = NEW.location_id;
    RETURN NEW;
EXCEPTION WHEN no_data_found THEN
    RETURN NEW;  -- the foreign key says it better
END
$$;
CREATE TRIGGER stock_learns_backorder_rule BEFORE INSERT ON inventory_stock
    FOR EACH ROW EXECUTE FUNCTION inventory_stock_learns_backorder_rule();
"""

# One key to the stock row instead of two to item and location: the row is locked by the writer already, so the check
# never waits and never queues on a busy location's row.
PLACES = """
ALTER TABLE inventory_reservation ADD CONSTRAINT a_reservation_stands_on_a_stock_row
    FOREIGN KEY (item_id, location_id) REFERENCES inventory_stock (item_id, location_id);
ALTER TABLE inventory_stockmovement
    ADD CONSTRAINT a_movement_leaves_a_stock_row
    FOREIGN KEY (item_id, from_location_id) REFERENCES inventory_stock (item_id, location_id),
    ADD CONSTRAINT a_movement_reaches_a_stock_row
    FOREIGN KEY (item_id, to_location_id) REFERENCES inventory_stock (item_id, location_id);
"""

# Release and consume are keyed to the row, so the row must not forget how it ended or become another promise.
ENDINGS = """
CREATE FUNCTION inventory_reservation_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status <> 'HELD' THEN
        RAISE EXCEPTION 'reservation % has ended as %: % refused', OLD.id, OLD.status, TG_OP
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (NEW.demand_id, NEW.item_id, NEW.location_id, NEW.ref)
        IS DISTINCT FROM (OLD.demand_id, OLD.item_id, OLD.location_id, OLD.ref) OR NEW.quantity > OLD.quantity THEN
        RAISE EXCEPTION 'reservation % may end or shrink, nothing else', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER reservation_ends_once BEFORE UPDATE OR DELETE ON inventory_reservation
    FOR EACH ROW EXECUTE FUNCTION inventory_reservation_ends_once();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("core", "0002_append_only")]

    operations = [
        migrations.RunSQL(SKUS, "ALTER TABLE inventory_item DROP CONSTRAINT sku_is_normalised;"),
        migrations.RunSQL(
            BACKORDERS,
            """
            ALTER TABLE inventory_stock DROP CONSTRAINT stock_follows_its_locations_backorder_rule;
            DROP TRIGGER stock_learns_backorder_rule ON inventory_stock;
            DROP FUNCTION inventory_stock_learns_backorder_rule();
            """,
        ),
        migrations.RunSQL(
            PLACES,
            """
            ALTER TABLE inventory_reservation DROP CONSTRAINT a_reservation_stands_on_a_stock_row;
            ALTER TABLE inventory_stockmovement DROP CONSTRAINT a_movement_leaves_a_stock_row,
                DROP CONSTRAINT a_movement_reaches_a_stock_row;
            """,
        ),
        migrations.RunSQL(
            ENDINGS,
            """
            DROP TRIGGER reservation_ends_once ON inventory_reservation;
            DROP FUNCTION inventory_reservation_ends_once();
            """,
        ),
        append_only.refuse_changes("inventory_stockmovement"),
    ]
