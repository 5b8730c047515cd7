"""Signals: one file each, found by looking through this folder.

A module here defines `SIGNAL`, an `agegate.model.Signal`. A host's own signals are passed in explicitly;
two signals of one name are an error, never a silent replacement.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from agegate.errors import ConfigError
from agegate.model import Signal


@cache
def shipped() -> tuple[Signal, ...]:
    """Every signal in this folder, by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(sorted((module.SIGNAL for module in modules), key=lambda signal: signal.name))


def collect(extra: Iterable[Signal] = ()) -> tuple[Signal, ...]:
    """The shipped signals and the host's own.

    Raises `ConfigError` if two have the same name.
    """
    signals = (*shipped(), *extra)
    names = [signal.name for signal in signals]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"two signals are named {', '.join(twice)}; rename the host's own")
    return signals
