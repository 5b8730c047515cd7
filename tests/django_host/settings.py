"""The settings of a page's project, with what tests add: every log in a file, more routes, other databases."""

from __future__ import annotations

import importlib
import json
import os
from typing import Any

_page = importlib.import_module(os.environ["PAGE_SETTINGS"])
globals().update({name: value for name, value in vars(_page).items() if name.isupper()})

INSTALLED_APPS: list[str] = [*_page.INSTALLED_APPS, "own"]
ROOT_URLCONF = "own.urls"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": _page.BASE_DIR / "all.log"}},
    "root": {"handlers": ["file"], "level": "DEBUG"},
    "loggers": {"django": {"handlers": ["file"], "level": "DEBUG", "propagate": False}},
}
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
AGEGATE: dict[str, Any] = {**_page.AGEGATE, "SECURE": False}
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(_page.BASE_DIR / "mails")

_more: dict[str, Any] = json.loads(os.environ.get("MORE_SETTINGS", "{}"))
globals().update(_more)
