"""Django: the age question in a form, the gate behind it, one refusal page, and a guard on every connection.

Put `agegate.frameworks.django` into `INSTALLED_APPS` and `AgegateMiddleware` into `MIDDLEWARE`; the page
`docs/frameworks/django.md` shows a whole project. Needs the extra `django`.
"""

# mypy: disable-error-code="import-untyped"
# Django has no types of its own.

from __future__ import annotations

from agegate.errors import ConfigError

try:
    import django  # noqa: F401 - looked for here, used by the modules below
except ImportError:
    raise ConfigError("agegate.frameworks.django needs the extra django: install agegate[django]") from None

from agegate.frameworks.django.asking import Elsewhere, Refused, Unreadable, acheck, admitting, check, read_body
from agegate.frameworks.django.configuration import door
from agegate.frameworks.django.forms import AgeGateFormMixin, BirthDateField, BirthDateWidget, CountryField
from agegate.frameworks.django.guard import Guard, importing
from agegate.frameworks.django.middleware import AgegateMiddleware
from agegate.frameworks.django.views import AgeGateViewMixin

__all__ = [
    "AgeGateFormMixin",
    "AgeGateViewMixin",
    "AgegateMiddleware",
    "BirthDateField",
    "BirthDateWidget",
    "CountryField",
    "Elsewhere",
    "Guard",
    "Refused",
    "Unreadable",
    "acheck",
    "admitting",
    "check",
    "door",
    "importing",
    "read_body",
]
