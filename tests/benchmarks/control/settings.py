"""The portal's own settings with one more endpoint."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.control.urls"
