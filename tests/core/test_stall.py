from __future__ import annotations

from core.stall import STALL_SECONDS, Watch

LONG = STALL_SECONDS + 1


def test_work_waiting_beside_free_hands_for_long_is_a_stall():
    watch = Watch(0)

    assert not watch.stalled(10, waiting=5, received=0, hands_free=True)
    assert watch.stalled(LONG, waiting=5, received=0, hands_free=True)


def test_taking_anything_is_no_stall():
    watch = Watch(0)
    watch.stalled(50, waiting=5, received=1, hands_free=True)

    assert not watch.stalled(LONG, waiting=5, received=1, hands_free=True)
    assert watch.stalled(50 + LONG, waiting=5, received=1, hands_free=True)


def test_nothing_to_take_and_no_hand_free_are_no_stall():
    watch = Watch(0)

    assert not watch.stalled(LONG, waiting=0, received=0, hands_free=True)
    assert not watch.stalled(2 * LONG, waiting=9, received=0, hands_free=False)
    assert not watch.stalled(2 * LONG + 5, waiting=9, received=0, hands_free=True)
