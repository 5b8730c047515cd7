"""A host in miniature, and the story that is told on it: from sign-up to proof of deletion."""

from agegate.demo.scene import Knock, Scene

__all__ = ["Knock", "Scene"]
