"""Sign-up: the gate that admits, refuses, or says what it still needs to know."""

from agegate.signup.gate import AgeGate

__all__ = ["AgeGate"]
