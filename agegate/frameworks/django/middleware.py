"""The middleware: the answer to who may not register, the cookie, and error pages without what was posted."""

# mypy: disable-error-code="import-untyped"
# Django has no types of its own.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from types import FrameType
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.debug import get_default_exception_reporter_filter

from agegate.frameworks.django.asking import ANSWERED, ASKED, Refused, Unreadable, request_now, spoken
from agegate.frameworks.django.configuration import door
from agegate.model import Decision, Outcome
from agegate.signup.cookie import Crumb
from agegate.signup.door import PROBLEM_TYPE, STATUS


class AgegateMiddleware:
    """Answers `Refused` and `Unreadable`, and sets the cookie of whoever was asked.

    Put it after `SessionMiddleware` and `LocaleMiddleware`. Who asks for JSON gets a problem document (RFC
    9457), all others the page. All refusals are the same bytes with the same status.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Keep what answers; it may be a coroutine function."""
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        """Answer a request, with the cookie that goes with a decision."""
        request.exception_reporter_filter = _discreet_filter()
        if self._is_async:
            return self._acall(request)
        before = request_now.set(request)
        try:
            return _with_cookie(request, self._get_response(request))
        finally:
            request_now.reset(before)

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        before = request_now.set(request)
        try:
            return _with_cookie(request, await self._get_response(request))
        finally:
            request_now.reset(before)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The answer to who may not register; other exceptions are not ours."""
        if not isinstance(exception, Refused | Unreadable):
            return None
        decision, language = exception.decision, spoken()
        status = STATUS[decision.outcome]
        if wants_json(request):
            told = door().problem(decision, language)
            response = JsonResponse(told, status=status, content_type=PROBLEM_TYPE)
        else:
            hidden = None
            if decision.outcome is Outcome.INVALID:
                hidden = {"csrfmiddlewaretoken": get_token(request)}
            response = HttpResponse(door().page(decision, language, hidden=hidden), status=status)
            response["Content-Security-Policy"] = door().screen.csp
        response["Cache-Control"] = "no-store"
        return response


def wants_json(request: HttpRequest) -> bool:
    """Whether a request came with JSON, or takes no HTML (RFC 9110, section 12.5.1)."""
    return request.content_type == "application/json" or not request.accepts("text/html")


def _with_cookie(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    answered: tuple[Decision, Crumb | None] | None = getattr(request, ANSWERED, None)
    crumb = answered[1] if answered else None
    if crumb is not None:
        response.set_cookie(
            crumb.name,
            crumb.value,
            max_age=crumb.max_age,
            path=crumb.path,
            secure=crumb.secure,
            httponly=crumb.httponly,
            samesite=crumb.samesite.capitalize(),
        )
    return response


class _Discreet:
    """Keeps what a request with a birth date posted out of error pages and mails, with DEBUG on, too."""

    cleansed_substitute: str

    def get_post_parameters(self, request: HttpRequest | None) -> Any:
        """The names of what was posted."""
        if request is not None and _brought_birth_date(request):
            return dict.fromkeys(_posted_names(request), self.cleansed_substitute)
        return super().get_post_parameters(request)  # type: ignore[misc]  # Django's filter comes after this one

    def get_traceback_frame_variables(
        self, request: HttpRequest | None, tb_frame: FrameType
    ) -> Iterable[tuple[str, object]]:
        """The names of a frame's variables."""
        if request is not None and _brought_birth_date(request):
            return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()
        return super().get_traceback_frame_variables(request, tb_frame)  # type: ignore[misc, no-any-return]  # the same


@lru_cache(maxsize=1)
def _discreet_filter() -> object:
    """The project's own filter of error pages, made discreet."""
    own = type(get_default_exception_reporter_filter())
    return type("DiscreetReporterFilter", (_Discreet, own), {})()


def _posted_names(request: HttpRequest) -> list[str]:
    try:
        return list(request.POST)
    except Exception:  # a body that cannot be read; the page about that must not fail
        return []


def _brought_birth_date(request: HttpRequest) -> bool:
    body = getattr(request, "_body", b"")  # where Django keeps a body that was read
    return (
        getattr(request, ASKED, False)
        or any("birth_" in name for name in _posted_names(request))
        or b"birth_" in body
    )
