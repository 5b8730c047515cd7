"""The app `agegate.frameworks.django`: the guard, the system checks, the widget's template, the command."""

# mypy: disable-error-code="import-untyped,misc"
# Django has no types of its own, so that its classes are untyped bases.

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.core.signals import setting_changed


class AgegateConfig(AppConfig):
    """Guards the user model's table on every connection, and adds the checks of `manage.py check`."""

    name = "agegate.frameworks.django"
    label = "agegate"
    verbose_name = "agegate"

    def ready(self) -> None:
        """Install both. Raises `ConfigError` if the setting `AGEGATE` cannot be read."""
        from agegate.frameworks.django.checks import check_project
        from agegate.frameworks.django.configuration import read_settings
        from agegate.frameworks.django.guard import Guard

        checks.register(check_project, "agegate")
        setting_changed.connect(_changed, dispatch_uid="agegate")
        if read_settings().guard:
            Guard.of_project().install()


def _changed(*, setting: str, **_more: object) -> None:
    """A test changed a setting: what was made of it is made again."""
    from agegate.frameworks.django.configuration import forget

    if setting == "AGEGATE":
        forget()
