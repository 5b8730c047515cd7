"""The host described: whose accounts they are, what feeds which field, where personal data lives."""

from agegate.host.description import AccountsSection, HostSection, TableSection, TextKind, TextSection
from agegate.host.reader import Host
from agegate.host.schema import Edge, Finding, HostSchema, check

__all__ = [
    "AccountsSection",
    "Edge",
    "Finding",
    "Host",
    "HostSchema",
    "HostSection",
    "TableSection",
    "TextKind",
    "TextSection",
    "check",
]
