"""Readers of what others say about an age: one file per source, found by looking through this folder.

A module here defines `METHOD`, the id of its signals, and `read(data, on)`, which turns the source's answer
into an `AgeSignal`. `on` is the day on which the answer was given, where the person lives. No reader raises
on values: what cannot be read is unknown. None of them verifies anything, neither signatures nor who holds
the device nor how fresh the answer is: hand in what your verifier has accepted, at once, and keep no copy.
`docs/age_signals.md` shows how.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from types import MappingProxyType

from agegate.model import AgeSignal

Reader = Callable[[Mapping[str, object], date], AgeSignal]


@cache
def shipped() -> Mapping[str, Reader]:
    """Every reader in this folder, by the name of its file."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))
    return MappingProxyType({name: importlib.import_module(f"{__name__}.{name}").read for name in names})
