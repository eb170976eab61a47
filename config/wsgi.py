"""Pages and the API, as granian serves them."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# A page makes thousands of short-lived objects and hardly a cycle, so the collector's usual pace has it walk the whole
# heap several times a page. What is loaded by now lives as long as the process: it is never walked again.
get_resolver().url_patterns  # noqa: B018  (loads every view)
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 25, 25)
