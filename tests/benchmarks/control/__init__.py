"""What most teams would write: the same effects by DRF serializers and the ORM. The yardstick of `bench intake`."""
