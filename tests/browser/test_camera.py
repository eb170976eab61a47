"""A code held before the camera is scanned, also where the browser can't read codes itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from core import barcodes
from orders.models import FulfilmentLine
from tests.browser.test_store import store, to_collect

__all__ = ["store"]
pytestmark = pytest.mark.django_db(transaction=True)

# A camera that sees nothing but these bars, in a browser without a reader of its own.
CAMERA = """
delete window.BarcodeDetector;
navigator.mediaDevices.getUserMedia = async () => {
  const c = document.createElement('canvas'), ink = c.getContext('2d'), wide = 4;
  c.width = 1000; c.height = 300;
  setInterval(() => {
    ink.fillStyle = '#fff'; ink.fillRect(0, 0, c.width, c.height); ink.fillStyle = '#000';
    let x = 60;
    %s.forEach((w, n) => { if (n %% 2 === 0) ink.fillRect(x, 40, w * wide, 220); x += w * wide; });
  }, 50);
  return c.captureStream(20);
};
"""


def bars(text: str) -> list[int]:
    widths = "".join(barcodes._WIDTHS[value] for value in barcodes.values(text)) + barcodes.STOP
    return [int(each) for each in widths]


def test_the_camera_reads_a_code_where_the_browser_cannot(
    page: Any, person: Callable[..., Any], sign_in: Any, store: Any
) -> None:
    sign_in(page, person())
    for ref in "12":
        to_collect(ref, ("CHJ-NVY-M", 1))
    page.add_init_script(CAMERA % json.dumps(bars("2000000010014")))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size({"width": 390, "height": 844})

    page.goto("/s/LEEDS/")
    page.get_by_role("button", name="Pick together").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Pick batch")
    assert not any("zxing" in url for url in asked)
    page.get_by_role("button", name="Use camera").click()

    expect(page.locator("#verdict")).to_contain_text("Put it into tote")
    expect(page.locator("#camera")).not_to_be_visible()
    assert any("zxing" in url for url in asked)
    assert sum(FulfilmentLine.objects.values_list("picked", flat=True)) == 1
