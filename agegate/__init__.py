"""agegate keeps a service free of minors it may not serve."""

from agegate.birthdate import BirthDate
from agegate.errors import AgegateError
from agegate.model import (
    AccountState,
    AgeSignal,
    Decision,
    FieldError,
    Limit,
    Outcome,
    OwnRule,
    Reason,
    Registration,
    Residence,
    Rule,
    Service,
    Standing,
)
from agegate.signup import AgeGate

__all__ = [
    "AccountState",
    "AgeGate",
    "AgeSignal",
    "AgegateError",
    "BirthDate",
    "Decision",
    "FieldError",
    "Limit",
    "Outcome",
    "OwnRule",
    "Reason",
    "Registration",
    "Residence",
    "Rule",
    "Service",
    "Standing",
]
