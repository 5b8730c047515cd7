"""The receipt: what was erased, category by category, to which level of proof, and what is out of its scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from agegate.audit import canonical
from agegate.erasure.plan import Plan

SCHEMA_VERSION: Final = 1

LEVEL: Final = "rows_absent"
"""The level of proof that this version reaches: the rows were looked for, and are not there."""

OUT_OF_SCOPE: Final = (
    "backups of the database, until they expire",
    "processors outside the host: this version does not tell them",
    "what search engines keep of public pages",
)


@dataclass(frozen=True, slots=True)
class CategoryResult:
    """One category of personal data: `erased`, `none_found` or `not_held`, with rows, tables or the reason."""

    state: str
    rows: int = 0
    tables: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof of one erasure, without personal data: the subject is a keyed tag."""

    request: int
    subject: str
    cause: str
    jurisdiction: str
    rule: str
    known_at: datetime
    erased_at: datetime
    plan: str
    level: str
    categories: Mapping[str, CategoryResult]

    def as_dict(self) -> dict[str, Any]:
        """The receipt as plain values, in the form in which it is printed."""
        body = asdict(self)
        body["schema"] = SCHEMA_VERSION
        body["known_at"] = self.known_at.isoformat()
        body["erased_at"] = self.erased_at.isoformat()
        body["categories"] = {
            name: {key: value for key, value in asdict(result).items() if value or key == "state"}
            for name, result in self.categories.items()
        }
        body["out_of_scope"] = list(OUT_OF_SCOPE)
        return body

    def canonical(self) -> str:
        """The receipt as canonical JSON."""
        return canonical(self.as_dict())

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON: what the audit chain holds of it."""
        return sha256(self.canonical().encode()).hexdigest()


def answer_categories(plan: Plan, rows: Mapping[str, int]) -> dict[str, CategoryResult]:
    """An answer for each category; `rows` are the rows deleted per table. A table of several counts in each."""
    results: dict[str, CategoryResult] = {}
    for category, names in plan.categories().items():
        count = sum(rows.get(name, 0) for name in names)
        if not names:
            reason = plan.section.not_held[category]
            results[category] = CategoryResult("not_held", reason=reason)
        else:
            results[category] = CategoryResult("erased" if count else "none_found", count, names)
    return results
