"""`[host]` of `agegate.toml`: the sections that describe the host's database."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from agegate.model import CATEGORIES, Category

FieldName = Literal[
    "birth_date",
    "email",
    "handle",
    "role",
    "company",
    "country",
    "region",
    "billing_country",
    "payer",
    "phone",
    "locale",
    "time_zone",
]
"""What a host's column can feed."""

TextKind = Literal["profile", "ticket", "post", "interpersonal"]
"""What sort of text it is; `interpersonal` is written to somebody in particular."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One name or a list of names."""

Categories = Annotated[tuple[Category, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One category or a list of them."""


class HostPart(BaseModel):
    """A table under `[host]`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountsSection(HostPart):
    """`[host.accounts]`: the account table, its key, and which columns feed which field.

    A column of the account table is named plainly, one of another table as `table.column`.
    """

    table: str
    key: Names
    created: str
    fields: dict[FieldName, str] = {}


class TextSection(HostPart):
    """`[[host.texts]]`: a text that account holders write.

    `author` names the columns that hold the writer's account key, where it is not the table's own
    reference to the account. A text of kind `interpersonal` is not swept by default.
    """

    table: str
    column: str
    written: str
    kind: TextKind = "profile"
    author: Names | None = None


class TableSection(HostPart):
    """`[host.tables.<name>]`: a table that holds rows of an account.

    `account` names the columns that hold the account's key where no foreign key says so. `owners = "any"`
    says that a row reached in several ways goes with any of them; without it such a table is a finding.
    """

    category: Categories
    account: Names | None = None
    owners: Literal["one", "any"] = "one"


class HostSection(HostPart):
    """`[host]`: one database of the host's, and all that agegate needs to know of it.

    `not_held` answers, with a reason, for each category of personal data that is stored nowhere here;
    `not_personal` names tables that reach the account and hold nothing about a person, with a reason.
    """

    url: str
    accounts: AccountsSection
    texts: tuple[TextSection, ...] = ()
    tables: dict[str, TableSection] = {}
    not_held: dict[Category, Annotated[str, Field(min_length=3)]] = {}
    not_personal: dict[str, Annotated[str, Field(min_length=3)]] = {}

    @model_validator(mode="after")
    def consistent(self) -> Self:
        """Declarations must not contradict each other."""
        both = sorted(set(self.tables) & set(self.not_personal))
        if both:
            raise ValueError(f"{', '.join(both)} is in tables and in not_personal; keep one of them")
        held = {category for table in self.tables.values() for category in table.category}
        twice = [category for category in CATEGORIES if category in held and category in self.not_held]
        if twice:
            raise ValueError(f"{', '.join(twice)} has a table and is in not_held; keep one of them")
        return self
