import pytest

pytest.register_assert_rewrite(
    *(f"{__name__}.{part}" for part in ("carriers", "channels", "erps", "payments", "storm", "suppliers"))
)
