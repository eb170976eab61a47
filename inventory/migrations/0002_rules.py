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

# A part is never a kit, a kit never has stock: each side of the rule is a constant column, and the foreign key makes
# the item agree. Neither two kits made at once nor a kit made while its first stock arrives can slip through.
KITS = """
ALTER TABLE inventory_kitcomponent
    ADD CONSTRAINT a_kit_is_marked_as_one
    FOREIGN KEY (kit_id, kit_is_kit) REFERENCES inventory_item (id, is_kit),
    ADD CONSTRAINT a_part_is_no_kit
    FOREIGN KEY (part_id, part_is_kit) REFERENCES inventory_item (id, is_kit);
ALTER TABLE inventory_stock
    ADD CONSTRAINT stock_is_of_no_kit FOREIGN KEY (item_id, is_kit) REFERENCES inventory_item (id, is_kit);
"""

# The way an item is tracked is copied to its stock rows (whoever holds a row's lock knows it, fresh), and follows the
# item only into rows where nothing lies: units that came in unnamed can't be named later.
TRACKING = """
ALTER TABLE inventory_stock ADD CONSTRAINT stock_follows_its_items_tracking
    FOREIGN KEY (item_id, tracking) REFERENCES inventory_item (id, tracking) ON UPDATE CASCADE;
ALTER TABLE inventory_lot ADD CONSTRAINT a_lot_is_tracked_as_its_item
    FOREIGN KEY (item_id, tracking) REFERENCES inventory_item (id, tracking);
ALTER TABLE inventory_lotstock ADD CONSTRAINT lot_stock_knows_serials
    FOREIGN KEY (lot_id, single) REFERENCES inventory_lot (id, single);

CREATE FUNCTION inventory_tracking_changes_while_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.tracking <> OLD.tracking AND OLD.sellable + OLD.damaged + OLD.quarantined + OLD.awaiting_inspection
        + OLD.in_transit_in + OLD.reserved > 0 THEN
        RAISE EXCEPTION 'item % has stock: how it is tracked can''t change', OLD.item_id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER tracking_changes_while_empty BEFORE UPDATE OF tracking ON inventory_stock
    FOR EACH ROW EXECUTE FUNCTION inventory_tracking_changes_while_empty();

CREATE OR REPLACE FUNCTION inventory_stock_learns_backorder_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT allows_backorder INTO STRICT NEW.allows_backorder FROM inventory_location WHERE id = NEW.location_id;
    SELECT is_kit, tracking INTO STRICT NEW.is_kit, NEW.tracking FROM inventory_item WHERE id = NEW.item_id;
    RETURN NEW;
EXCEPTION WHEN no_data_found THEN
    RETURN NEW;  -- the foreign keys say it better
END
$$;
"""

UNTRACKED = """
CREATE OR REPLACE FUNCTION inventory_stock_learns_backorder_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT allows_backorder INTO STRICT NEW.allows_backorder FROM inventory_location WHERE id = NEW.location_id;
    RETURN NEW;
EXCEPTION WHEN no_data_found THEN
    RETURN NEW;
END
$$;
DROP TRIGGER tracking_changes_while_empty ON inventory_stock;
DROP FUNCTION inventory_tracking_changes_while_empty();
ALTER TABLE inventory_lotstock DROP CONSTRAINT lot_stock_knows_serials;
ALTER TABLE inventory_lot DROP CONSTRAINT a_lot_is_tracked_as_its_item;
ALTER TABLE inventory_stock DROP CONSTRAINT stock_follows_its_items_tracking;
"""

# Whatever changes what can be promised says so in the log of changes, whoever wrote it: a writer that had to remember
# would one day forget. The log is only ever inserted into, so nobody waits and nothing deadlocks; an item of NULL
# means every item. Without a feed there is nobody to tell and nothing is written.
CHANGES = """
CREATE FUNCTION inventory_notice_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM inventory_channelfeed WHERE active) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO inventory_availabilitychange (item_id, changed_at)
        SELECT DISTINCT item_id, clock_timestamp() FROM after_it WHERE sellable <> reserved;
    ELSE
        INSERT INTO inventory_availabilitychange (item_id, changed_at)
        SELECT item_id, clock_timestamp() FROM (
            SELECT DISTINCT after_it.item_id FROM after_it JOIN before_it USING (id)
            WHERE after_it.sellable - after_it.reserved <> before_it.sellable - before_it.reserved
        ) changed;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER stock_change_is_noticed AFTER UPDATE ON inventory_stock
    REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_notice_stock();
CREATE TRIGGER new_stock_is_noticed AFTER INSERT ON inventory_stock
    REFERENCING NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION inventory_notice_stock();

CREATE FUNCTION inventory_notice_inbound() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT NEW.item_id, clock_timestamp()
    WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active AND inbound_days > 0);
    RETURN NULL;
END
$$;
CREATE TRIGGER inbound_is_noticed AFTER INSERT OR UPDATE ON inventory_expectedreceipt
    FOR EACH ROW EXECUTE FUNCTION inventory_notice_inbound();

CREATE FUNCTION inventory_notice_rule() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT DISTINCT touched.item_id, clock_timestamp()
    FROM (
        VALUES (CASE WHEN TG_OP = 'DELETE' THEN OLD.item_id ELSE NEW.item_id END),
            (CASE WHEN TG_OP = 'INSERT' THEN NEW.item_id ELSE OLD.item_id END)
    ) AS touched(item_id)
    WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active);
    RETURN NULL;
END
$$;
CREATE TRIGGER buffer_rule_is_noticed AFTER INSERT OR UPDATE OR DELETE ON inventory_bufferrule
    FOR EACH ROW EXECUTE FUNCTION inventory_notice_rule();

CREATE FUNCTION inventory_notice_kit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT CASE WHEN TG_OP = 'DELETE' THEN OLD.kit_id ELSE NEW.kit_id END, clock_timestamp()
    WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active);
    RETURN NULL;
END
$$;
CREATE TRIGGER kit_change_is_noticed AFTER INSERT OR UPDATE OR DELETE ON inventory_kitcomponent
    FOR EACH ROW EXECUTE FUNCTION inventory_notice_kit();

CREATE FUNCTION inventory_notice_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_availabilitychange (item_id, changed_at)
    SELECT NULL, clock_timestamp() WHERE EXISTS (SELECT FROM inventory_channelfeed WHERE active);
    RETURN NULL;
END
$$;
CREATE TRIGGER place_change_is_noticed AFTER UPDATE OF status, ships, pickup ON inventory_location
    FOR EACH ROW WHEN ((OLD.status, OLD.ships, OLD.pickup) IS DISTINCT FROM (NEW.status, NEW.ships, NEW.pickup))
    EXECUTE FUNCTION inventory_notice_place();
"""

NO_CHANGES = """
DROP TRIGGER stock_change_is_noticed ON inventory_stock;
DROP TRIGGER new_stock_is_noticed ON inventory_stock;
DROP TRIGGER inbound_is_noticed ON inventory_expectedreceipt;
DROP TRIGGER buffer_rule_is_noticed ON inventory_bufferrule;
DROP TRIGGER place_change_is_noticed ON inventory_location;
DROP FUNCTION inventory_notice_stock();
DROP FUNCTION inventory_notice_inbound();
DROP TRIGGER kit_change_is_noticed ON inventory_kitcomponent;
DROP FUNCTION inventory_notice_kit();
DROP FUNCTION inventory_notice_rule();
DROP FUNCTION inventory_notice_place();
"""

# A line carries its count's place so that an index can say "one open count per item and place"; this keeps it equal.
COUNTED_PLACES = """
ALTER TABLE inventory_countline ADD CONSTRAINT a_count_line_lies_where_its_count_does
    FOREIGN KEY (count_id, location_id) REFERENCES inventory_count (id, location_id);
"""

# Few movements are told after they happened; posted counts look at those again.
TOLD_LATE = """
CREATE INDEX movement_told_late ON inventory_stockmovement (recorded_at) WHERE occurred_at < recorded_at;
"""

# The index answers alone where the table's pages are known to be visible to everybody: vacuum says so.
VACUUM = """
ALTER TABLE inventory_stock SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
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
        migrations.RunSQL(
            KITS,
            """
            ALTER TABLE inventory_stock DROP CONSTRAINT stock_is_of_no_kit;
            ALTER TABLE inventory_kitcomponent DROP CONSTRAINT a_part_is_no_kit, DROP CONSTRAINT a_kit_is_marked_as_one;
            """,
        ),
        migrations.RunSQL(TRACKING, UNTRACKED),
        append_only.refuse_changes("inventory_lotstep"),
        migrations.RunSQL(CHANGES, NO_CHANGES),
        append_only.refuse_changes("inventory_statusmap"),
        migrations.RunSQL(
            COUNTED_PLACES, "ALTER TABLE inventory_countline DROP CONSTRAINT a_count_line_lies_where_its_count_does;"
        ),
        migrations.RunSQL(TOLD_LATE, "DROP INDEX movement_told_late;"),
        append_only.refuse_changes("inventory_countentry"),
        migrations.RunSQL(
            VACUUM,
            "ALTER TABLE inventory_stock RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);",
        ),
    ]
