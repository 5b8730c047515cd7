"""System checks (`manage.py check`): what would let an account past the gate, each with what to do."""

# mypy: disable-error-code="import-untyped"
# Django has no types of its own.

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.db import connections

from agegate.errors import AgegateError
from agegate.frameworks.django.configuration import lies_in, place_of, read_config, read_settings
from agegate.frameworks.django.middleware import AgegateMiddleware

_SESSION: Final = "django.contrib.sessions.middleware.SessionMiddleware"


def check_project(app_configs: Sequence[Any] | None = None, **_more: object) -> list[CheckMessage]:  # noqa: ARG001 - the signature is Django's
    """Everything that is wrong with a project's use of agegate."""
    try:
        own, config = read_settings(), read_config()
        contact = own.contact or config.service.contact
        store = config.store_url
    except AgegateError as error:
        return [Error(str(error), hint="See docs/frameworks/django.md.", id="agegate.E001")]
    found = [*_guard(own.guard), *_middleware()]
    if contact is None:
        hint = 'Set AGEGATE["CONTACT"], or contact in [service] of agegate.toml.'
        found.append(Error("nobody is named whom a refused person can ask", hint=hint, id="agegate.E002"))
    if store.get_backend_name() == "sqlite":
        found += _transactions(Path(store.database or ""))
    if apps.is_installed("allauth.account"):
        from agegate.frameworks.allauth import check_allauth

        found += check_allauth()
    return found


def _guard(wanted: bool) -> Iterator[CheckMessage]:
    """It is on; a field that it cannot use has stopped the start already."""
    if not wanted:
        hint = 'Remove AGEGATE["GUARD"]; use importing(reason) for accounts that the operator answers for.'
        yield Warning("the guard is off: code may create accounts past the gate", hint=hint, id="agegate.W001")


def _middleware() -> Iterator[CheckMessage]:
    """Ours must be there, after the session's."""
    place = place_of(AgegateMiddleware)
    if place is None:
        hint = 'Add "agegate.frameworks.django.AgegateMiddleware" to MIDDLEWARE.'
        yield Error("the middleware is missing: no form can ask the gate", hint=hint, id="agegate.E003")
    elif _SESSION in settings.MIDDLEWARE and settings.MIDDLEWARE.index(_SESSION) > place:
        hint = "Put it after SessionMiddleware."
        yield Error("AgegateMiddleware comes before the session", hint=hint, id="agegate.E004")


def _transactions(store: Path) -> Iterator[CheckMessage]:
    """A request that is one transaction on the store's own file would wait for itself."""
    for connection in connections.all():
        own = connection.settings_dict
        if own["ATOMIC_REQUESTS"] and lies_in(connection.vendor, own["NAME"], store):
            hint = "Give the store a file of its own ([store] url), or turn ATOMIC_REQUESTS off."
            yield Error(
                f"the database {connection.alias!r} has ATOMIC_REQUESTS on the SQLite file of agegate's store",
                hint=hint,
                id="agegate.E005",
            )
