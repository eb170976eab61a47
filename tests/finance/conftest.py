from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.finance.erp import LocalErp


@pytest.fixture
def erp(tmp_path: Path) -> Iterator[LocalErp]:
    """A fresh local ERP, running."""
    made = LocalErp(tmp_path)
    made.start()
    yield made
    made.stop()
