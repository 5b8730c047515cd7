"""`agegate.toml`, whole: read with `tomllib`, checked by pydantic, overridden by the environment.

Any setting can be given as `AGEGATE_<SECTION>__<KEY>`, such as `AGEGATE_HOST__URL`. An unknown key is an
error. Relative paths and SQLite URLs are taken from the file's own folder.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError
from sqlalchemy.engine import URL

from agegate.database import parse_url, same_database
from agegate.errors import ConfigError
from agegate.host import Host, HostSection, TextKind
from agegate.keys import KeyRing
from agegate.model import OLDEST_AGE, Audience, MajorityRules, OwnRule, ParentalFlow, Service, StatutoryKind
from agegate.store import Store, beside

DEFAULT_FILE: Final = "agegate.toml"
ENVIRONMENT: Final = "AGEGATE_CONFIG"


class Section(BaseModel):
    """A table of the file; an unknown key in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StricterSection(Section):
    """`[[service.stricter]]`: a minimum age of the service's own for a jurisdiction, with its reason."""

    jurisdiction: str
    age: int = Field(ge=1, le=OLDEST_AGE)
    start: date = Field(alias="from")
    reason: str = Field(min_length=3)


class ServiceSection(Section):
    """`[service]`: what is being kept (`agegate.model.Service`)."""

    name: str = "this service"
    contact: str | None = None
    floor: int = Field(13, ge=1, le=OLDEST_AGE)
    audience: Audience = "general"
    kinds: Annotated[frozenset[StatutoryKind], Field(min_length=1)] = frozenset({"general"})
    policy: frozenset[str] = frozenset()
    majority_rules: MajorityRules = "enforce"
    parental_flow: ParentalFlow = "none"
    established_in: str | None = None
    stricter: tuple[StricterSection, ...] = ()


class StoreSection(Section):
    """`[store]`: where agegate keeps its own tables; by default beside the host's."""

    url: str | None = None


class KeysSection(Section):
    """`[keys]`: the key ring's file."""

    file: Path = Path("agegate.keys")


class AuditSection(Section):
    """`[audit]`: the file outside the database in which the chain's head is anchored."""

    anchor: Path = Path("agegate.anchor")


class GateSection(Section):
    """`[gate]`: how long a refusal is remembered, by what remembers it; where IP addresses are looked up."""

    device_hours: int = Field(24, ge=1, le=24)
    contact_days: int = Field(30, ge=1, le=366)
    ip_database: Path | None = None


class SweepSection(Section):
    """`[sweep]`: what is read, and the brake on automatic quarantines."""

    chunk: int = Field(1000, ge=1, le=100_000)
    texts: frozenset[TextKind] = frozenset({"profile", "ticket"})
    brake_per_day: int = Field(200, ge=1)
    brake_share: float = Field(0.005, gt=0, le=1)


class ErasureSection(Section):
    """`[erasure]`: how long a quarantined account waits before it is erased."""

    window_days: int = Field(14, ge=1, le=90)


class Config(BaseSettings):
    """Every setting. Use `Config.load`; sections are attributes, what they lead to are properties."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="AGEGATE_", env_nested_delimiter="__"
    )

    service: ServiceSection = ServiceSection()
    store: StoreSection = StoreSection()
    keys: KeysSection = KeysSection()
    audit: AuditSection = AuditSection()
    gate: GateSection = GateSection()
    sweep: SweepSection = SweepSection()
    erasure: ErasureSection = ErasureSection()
    host: HostSection | None = None

    _file: Path = PrivateAttr()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        return env_settings, init_settings

    @classmethod
    def load(cls, path: str | Path | None = None) -> Config:
        """Read a file: the one given, else `$AGEGATE_CONFIG`, else `./agegate.toml`.

        Raises `ConfigError` if it is missing or not TOML, or a key is unknown or has a wrong value: one
        line that names all of them and none of the values.
        """
        file = Path(path or os.environ.get(ENVIRONMENT) or DEFAULT_FILE).expanduser()
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                f"{file}: {error.strerror or 'cannot be read'}; name the file with --config or ${ENVIRONMENT}"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file}: not TOML: {error}; mend that line") from None
        unknown = [key for key in content if key not in cls.model_fields]
        if unknown:  # looked for here: pydantic-settings would take _env_file for an argument of its own
            raise ConfigError(f"{file}: {'; '.join(_unknown((key,)) for key in unknown)}")
        try:
            config = cls(**content)
        except ValidationError as error:
            raise ConfigError(f"{file}: {_said(error.errors())}") from None
        except SettingsError as error:
            raise ConfigError(f'environment: {error}; write JSON, such as ["general"]') from None
        config._file = file.absolute()
        return config

    @property
    def folder(self) -> Path:
        """The folder of the file: where relative paths start."""
        return self._file.parent

    @cached_property
    def law_service(self) -> Service:
        """The service as the law part needs it."""
        section = self.service
        return Service(
            name=section.name,
            floor=section.floor,
            audience=section.audience,
            kinds=frozenset(section.kinds),
            policy=section.policy,
            majority_rules=section.majority_rules,
            parental_flow=section.parental_flow,
            established_in=section.established_in,
            stricter=tuple(
                OwnRule(own.jurisdiction, own.age, own.start, own.reason) for own in section.stricter
            ),
        )

    @cached_property
    def host_section(self) -> HostSection:
        """`[host]`. Raises `ConfigError` if the file has none."""
        if self.host is None:
            raise ConfigError(f"{self._file}: there is no [host]; describe the host's database (docs/host.md)")
        return self.host

    @cached_property
    def host_url(self) -> URL:
        """The host's database."""
        return parse_url(self.host_section.url, base=self.folder)

    @cached_property
    def store_url(self) -> URL:
        """The store's database: as configured, else beside the host's."""
        if self.store.url is not None:
            return parse_url(self.store.url, base=self.folder)
        return beside(self.host_url)

    def open_store(self, *, create: bool = False) -> Store:
        """The store. Raises `DatabaseError` if a SQLite file is missing and `create` is not set."""
        shared = self.host is not None and same_database(self.store_url, self.host_url)
        return Store(self.store_url, create=create, shared=shared)

    def open_host(self, *, read_only: bool = True) -> Host:
        """The host's database, read only unless something is to be erased from it."""
        return Host(self.host_section, self.host_url, read_only=read_only)

    @cached_property
    def key_ring(self) -> KeyRing:
        """The key ring of the environment or the file. Raises `KeyRingError`."""
        return KeyRing.load(self.folder / self.keys.file)

    @property
    def key_file(self) -> Path:
        """The key ring's file, absolute."""
        return self.folder / self.keys.file

    @property
    def ip_database(self) -> Path | None:
        """The file in which IP addresses are looked up, absolute."""
        file = self.gate.ip_database
        return None if file is None else self.folder / file

    @property
    def anchor_file(self) -> Path:
        """The audit anchor's file, absolute."""
        return self.folder / self.audit.anchor


def _said(errors: Iterable[ErrorDetails]) -> str:
    """One line for all that pydantic found, without the values (they may be secrets)."""
    return "; ".join(_one(error) for error in errors)


def _one(error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return _unknown(error["loc"])
    return f"{key}: {error['msg']}"


def _unknown(place: tuple[int | str, ...]) -> str:
    """What to say of a key that does not exist: the nearest that does, or all of them."""
    known = _known_keys(place[:-1])
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
    return f"{'.'.join(map(str, place))}: unknown key; {hint}"


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    """The keys that exist at a place of the file."""
    model: Any = Config
    for part in place:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is None:
            continue  # an index of a list or a name of a table chosen by the host
        model = _model_of(field.annotation)
    return sorted(model.model_fields)


def _model_of(annotation: Any) -> Any:
    """The section a field holds, looked for through `| None`, `list[…]` and `dict[…]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = [_model_of(part) for part in getattr(annotation, "__args__", ())]
    return next((model for model in inner if model is not None), None)
