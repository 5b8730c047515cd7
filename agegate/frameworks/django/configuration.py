"""The setting `AGEGATE` of a Django project, and the door that it describes.

Nothing is opened before the first sign-up, so that a server that forks its workers gives each its own.
"""

# mypy: disable-error-code="import-untyped"
# Django has no types of its own.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

from django.conf import settings as django_settings
from django.db import connections
from django.utils.module_loading import import_string

from agegate.config import Config
from agegate.errors import BusyError, ConfigError
from agegate.signup.door import Door
from agegate.signup.gate import AgeGate


@dataclass(frozen=True, slots=True)
class Settings:
    """What `AGEGATE = {…}` may say; its keys are these names in capitals.

    `config` is the path of agegate.toml (default: `$AGEGATE_CONFIG`, else `./agegate.toml`); `name` and
    `contact` take the place of those of its `[service]`. `email` and `phone` name the fields of the user
    model that an admission is bound to (`email` defaults to the model's `EMAIL_FIELD`). `secure` keeps
    the cookie to HTTPS, `guard` puts the guard on every connection, and `address` is the key of
    `request.META` with the person's IP address (`None`: none is used).
    """

    config: str | Path | None = None
    name: str | None = None
    contact: str | None = None
    email: str | None = None
    phone: str | None = None
    secure: bool = True
    guard: bool = True
    address: str | None = "REMOTE_ADDR"


def read_settings() -> Settings:
    """The setting `AGEGATE`. Raises `ConfigError` if it is no mapping or has an unknown key."""
    given = getattr(django_settings, "AGEGATE", {})
    if not isinstance(given, Mapping):
        raise ConfigError('settings: AGEGATE: must be a dict, such as {"CONFIG": BASE_DIR / "agegate.toml"}')
    known = {field.name.upper(): field.name for field in fields(Settings)}
    unknown = [str(key) for key in given if key not in known]
    if unknown:
        raise ConfigError(
            f"settings: AGEGATE: unknown key {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    return Settings(**{known[key]: value for key, value in given.items()})


@lru_cache(maxsize=1)
def read_config() -> Config:
    """agegate.toml, as the setting names it. Raises `ConfigError`."""
    return Config.load(read_settings().config)


@lru_cache(maxsize=1)
def door() -> Door:
    """The project's door: made once in each process, when it is first needed.

    Raises `ConfigError` if nobody says where a refused person can ask, and what `AgeGate.from_config` raises.
    """
    own, section = read_settings(), read_config().service
    contact = own.contact or section.contact
    if contact is None:
        raise ConfigError(
            'settings: AGEGATE["CONTACT"]: name where a refused person can ask, an e-mail or https address'
        )
    return Door(AgeGate.from_config(own.config), own.name or section.name, contact, own.secure)


def forget() -> None:
    """Read settings and agegate.toml again when they are next needed."""
    door.cache_clear()
    read_config.cache_clear()


def refuse_to_wait() -> None:
    """Stop code that would wait for itself: it holds a transaction on the SQLite file of agegate's store.

    Raises `BusyError`.
    """
    url = read_config().store_url
    if url.get_backend_name() != "sqlite":
        return
    for connection in connections.all(initialized_only=True):
        began = connection.in_atomic_block or (connection.connection is not None and not connection.autocommit)
        if began and lies_in(connection.vendor, connection.settings_dict["NAME"], Path(url.database or "")):
            raise BusyError(
                f"the database {connection.alias!r} has an open transaction on the SQLite file of agegate's "
                "store; ask before transaction.atomic begins, or give the store a file of its own"
            )


def lies_in(vendor: str, name: object, file: Path) -> bool:
    """Whether a database of Django is this SQLite file."""
    return vendor == "sqlite" and bool(name) and Path(str(name)).resolve() == file.resolve()


def place_of(wanted: type) -> int | None:
    """Where in `MIDDLEWARE` a class or one made of it stands."""
    for place, name in enumerate(django_settings.MIDDLEWARE):
        try:
            found = import_string(name)
        except ImportError:
            continue
        if isinstance(found, type) and issubclass(found, wanted):
            return place
    return None
