"""Review and erasure: causes, verdicts and states."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why an account is in the queue."""

    DECLARED = "declared"
    INFERRED = "inferred"
    REPORTED = "reported"


class Verdict(StrEnum):
    """What a member of staff decided about a flag."""

    MINOR = "minor"
    ADULT = "adult"


class RequestState(StrEnum):
    """Where a request for erasure stands."""

    AWAITING_REVIEW = "awaiting_review"
    QUARANTINED = "quarantined"
    ERASING = "erasing"
    VERIFYING = "verifying"
    DONE = "done"
    CANCELLED = "cancelled"
    DEAD = "dead"


class AccountState(StrEnum):
    """All that the host's application may know of an account from agegate: a state, never a score.

    - `active`: serve it.
    - `ask`: serve it, and ask the holder the neutral age question.
    - `limited`: the question stayed open too long: account settings only. Nothing is deleted for it.
    - `quarantined`: serve nothing but the notice.
    """

    ACTIVE = "active"
    ASK = "ask"
    LIMITED = "limited"
    QUARANTINED = "quarantined"
