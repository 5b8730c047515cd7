"""Erasure: planned from declarations and the live schema, run with a journal, verified, receipted."""

from agegate.erasure.plan import Plan, Step, make_plan
from agegate.erasure.receipt import Receipt
from agegate.erasure.run import Eraser, Outcome

__all__ = ["Eraser", "Outcome", "Plan", "Receipt", "Step", "make_plan"]
