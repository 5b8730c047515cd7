"""Every error agegate raises on purpose: one tree, one line each, and never a personal value in a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class AgegateError(Exception):
    """What is wrong, where, and what to do next."""

    exit_code: ClassVar[int] = 2


class BirthDateError(AgegateError):
    """A birth date must be YYYY, YYYY-MM or YYYY-MM-DD, not in the future, at most 125 years ago."""


class ConfigError(AgegateError):
    """{file}: {key}: {problem}; {what to write instead}."""


class KeyRingError(AgegateError):
    """Key ring {place}: {problem}; {what to do}."""


class DatabaseError(AgegateError):
    """Database {url without password}: {problem}; {what to do}."""


class HostError(AgegateError):
    """agegate.toml names {table or column}, which {database} does not have; {what to do}."""


class LawError(AgegateError):
    """{file}: {jurisdiction or rule}: {problem}; {what to do}."""


class InputError(AgegateError):
    """{file or option}: {line}: {problem}; {what to do}."""


class NotFoundError(AgegateError):
    """No {thing} {number}: {command that lists them}."""


class StateError(AgegateError):
    """{thing} is {state}, so {action} is not possible: {what to do}."""


class NotAdmittedError(AgegateError):
    """An account may not be created: {what is wrong with its admission}; {what to do}."""

    exit_code = 1


class BusyError(AgegateError):
    """{what} is held by another process; try again later."""

    exit_code = 75


class PlanRefusedError(AgegateError):
    """The erasure plan is refused: {n} findings; declare each in agegate.toml, see `agegate host check`."""

    exit_code = 1

    def __init__(self, findings: Sequence[str]) -> None:
        """Keep the findings, all of them at once, for the person who mends the declarations."""
        self.findings = tuple(findings)
        listed = "; ".join(self.findings)
        super().__init__(
            f"the erasure plan is refused: {len(self.findings)} finding(s): {listed}; "
            "declare each in agegate.toml (`agegate host check` lists them)"
        )


class VerificationError(AgegateError):
    """Erasure of request {n} could not be verified: {rows} left in {tables}; nothing was called done."""

    exit_code = 1
