"""A mixin for class-based views with a form of `AgeGateFormMixin`."""

# mypy: disable-error-code="import-untyped,untyped-decorator"
# Django has no types of its own.

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from agegate.frameworks.django.forms import AgeGateFormMixin


class AgeGateViewMixin:
    """Creates the account inside the admission. Put it first among the bases, before `CreateView`."""

    @method_decorator(sensitive_post_parameters())
    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: object, **options: object) -> HttpResponseBase:
        """Answer, with nothing of the form kept in caches or error reports."""
        answer: Any = super().dispatch(request, *args, **options)  # type: ignore[misc]  # a view comes after this one
        return answer

    def form_valid(self, form: AgeGateFormMixin) -> HttpResponseBase:
        """Let the view save the form inside `form.admitting()`."""
        with form.admitting():
            answer: Any = super().form_valid(form)  # type: ignore[misc]  # the same
            return answer
