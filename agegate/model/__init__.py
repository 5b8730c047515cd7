"""The domain types every room shares: frozen records of plain values, with nothing but the standard library.

The words are those of `docs/glossary.md`. Import them from here; the files are by subject.
"""

from agegate.model.account import (
    CATEGORIES,
    Account,
    Assessment,
    Band,
    Category,
    Evidence,
    Report,
    Signal,
    Text,
    Weighed,
    account_key,
    key_values,
)
from agegate.model.case import (
    AccountState,
    Cause,
    RequestState,
    Verdict,
)
from agegate.model.law import (
    Limit,
    Place,
    Residence,
    Rule,
)
from agegate.model.registration import (
    Decision,
    FieldError,
    Outcome,
    Reason,
    Registration,
)
from agegate.model.service import (
    AUDIENCES,
    STATUTORY_KINDS,
    Audience,
    Service,
    StatutoryKind,
)

__all__ = [
    "AUDIENCES",
    "CATEGORIES",
    "STATUTORY_KINDS",
    "Account",
    "AccountState",
    "Assessment",
    "Audience",
    "Band",
    "Category",
    "Cause",
    "Decision",
    "Evidence",
    "FieldError",
    "Limit",
    "Outcome",
    "Place",
    "Reason",
    "Registration",
    "Report",
    "RequestState",
    "Residence",
    "Rule",
    "Service",
    "Signal",
    "StatutoryKind",
    "Text",
    "Verdict",
    "Weighed",
    "account_key",
    "key_values",
]
