"""The sweep: a periodic job that reads the accounts and flags those that look like a minor's."""

from agegate.sweep.judge import Judge, Judgement
from agegate.sweep.run import Found, Progress, Sweep, SweepSummary

__all__ = ["Found", "Judge", "Judgement", "Progress", "Sweep", "SweepSummary"]
