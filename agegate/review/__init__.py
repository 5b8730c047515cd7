"""Review: where staff decide. People outrank the machine."""

from agegate.review.desk import CaseLine, CaseView, Desk, EvidenceView

__all__ = ["CaseLine", "CaseView", "Desk", "EvidenceView"]
