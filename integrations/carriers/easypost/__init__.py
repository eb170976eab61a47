"""EasyPost: labels of many carriers through one account, and trackers of all of them."""

from integrations.carriers import scans
from integrations.carriers.easypost import translate, webhooks

EASYPOST = scans.vendor(
    "easypost", "EasyPost", translate.VERSION, translate.translate, lists="trackers",
    verify=webhooks.verify, delivery=webhooks.delivery,
)  # fmt: skip
