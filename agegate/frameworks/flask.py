"""Flask: the extension that asks for the age before a view may create an account.

`AgeDoor` reads a posted form or JSON body, asks the gate, and either gives the view an `Admission` or leaves
it with the refusal: a page, or a problem document (RFC 9457) for who asks for JSON. The cookie that remembers
is set on whatever the application answers. What a provider of OpenID Connect says of a person waits, encrypted,
in a cookie of its own until the question is answered: no session holds it, wherever sessions are kept. It
counts for a page alone that was shown while it waited, so that nobody answers for another in the same browser.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from agegate.errors import ConfigError, NotAdmittedError

try:
    from flask import (
        Blueprint,
        Flask,
        Response,
        abort,
        after_this_request,
        current_app,
        g,
        has_request_context,
        request,
    )
    from markupsafe import Markup
    from werkzeug.exceptions import RequestEntityTooLarge
except ImportError:
    raise ConfigError("the Flask extension needs the extra flask: install agegate[flask]") from None

from agegate.model import Decision, FieldError, Outcome, Reason
from agegate.signup.admission import TERM, Admitting
from agegate.signup.cookie import NAME
from agegate.signup.door import (
    LARGEST_BODY,
    PROBLEM_TYPE,
    STATUS,
    TOO_LARGE,
    UNREADABLE,
    Door,
    is_elsewhere,
    problem,
)
from agegate.signup.gate import AgeGate

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

KEPT: Final = "agegate_kept"
"""The cookie with what a provider said of somebody who has not answered yet, and the input that names it.

Over HTTPS the cookie's name begins with `__Host-`: no other host of the domain can set it (RFC 6265bis, cookie
name prefixes).
"""

LONGEST_KEPT: Final = 2000
"""Characters that may be kept of a person; browsers keep about 4,000 bytes of a cookie (RFC 6265, 6.1)."""

_EXTENSION: Final = "agegate"
_COUNTS: Final = "agegate.kept_counts"
"""The key of the WSGI environment that says whether this request's answer was about who is kept."""

_REFUSED: Final = Decision(Outcome.REFUSE, Reason.REFUSED_BEFORE)


@dataclass(frozen=True)
class Admission:
    """Leave to create one account, for the view that was asked for it.

    `email`, `phone` and `country` are what the gate saw; `kept` is what `AgeDoor.keep` was given before. The
    date of birth is in none of it.
    """

    decision: Decision = field(repr=False)
    gate: AgeGate = field(repr=False)
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)
    kept: Mapping[str, str] = field(default_factory=dict, repr=False)

    def admitting(self) -> Admitting:
        """The block in which to create the account; `with`, or `async with` in a coroutine.

        Entering raises `NotAdmittedError`, as `AgeGate.admitting` does; `AgeDoor` answers it with the refusal.
        """
        return self.gate.admitting(
            self.decision.token, email=self.email, phone=self.phone, country=self.country
        )


class AgeDoor:
    """A `Door` in an application of Flask: `AgeDoor(door, app)`, or `init_app` later.

    `ip` says the address of who asks (default: `request.remote_addr`, which `ProxyFix` sets right behind a
    proxy), `device` the host's own id of the device, if it has one.
    """

    def __init__(
        self,
        door: Door,
        app: Flask | None = None,
        *,
        ip: Callable[[], str | None] | None = None,
        device: Callable[[], str | None] | None = None,
    ) -> None:
        """Keep the door. Raises `ConfigError` if its gate has no key ring."""
        self.door = door
        self._ip, self._device = ip, device
        self._carrier = door.carrier
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Join an application: `age_fields()` in its templates, and the refusal for who was not admitted."""
        app.extensions[_EXTENSION] = self
        app.add_template_global(self.fields, "age_fields")
        app.register_error_handler(NotAdmittedError, self._not_admitted)

    def ask(self, posted: Mapping[str, object] | None = None) -> Decision:
        """Ask the gate about a sign-up; on a refusal, leave the view with it.

        `posted` is the form or JSON object (default: read from the request, which then must come from this
        site). The decision is `ADMIT`, with the admission in `admission()`, or `INVALID`. An admission is for
        an e-mail address or a phone number, so without both the e-mail is missing. Who is kept counts if the
        hidden input of their page came along (in `posted` or in the request) and no other address was typed.
        Call it before you write. Raises `NotAdmittedError` outside a request, where nobody can be asked.
        """
        if not has_request_context():
            raise NotAdmittedError("nobody can be asked outside a request; ask the door and use admitting")
        given = {**(_read(self) if posted is None else posted)}
        kept = self._answered_for(given)
        given |= {name: kept[name] for name in ("email", "phone") if name in kept}
        known = {
            "ip": self._ip() if self._ip else request.remote_addr,
            "device": self._device() if self._device else None,
        }
        cookie = request.cookies.get(NAME)
        decision = self.door.decide(self.door.registration(given, **known), cookie)
        self._remember(decision, cookie)
        if decision.outcome is Outcome.REFUSE:
            abort(self.answer(decision))
        if decision.outcome is Outcome.ADMIT:
            contacts = {name: str(given[name]) for name in ("email", "phone", "country") if given.get(name)}
            g.agegate_admission = Admission(decision, self.door.gate, **contacts, kept=kept)
        return decision

    def admit(self, posted: Mapping[str, object] | None = None) -> Admission:
        """`ask`, for a view whose page is the question itself: leaves it for who made a mistake, too."""
        decision = self.ask(posted)
        found = admission()
        if found is None:
            abort(self.answer(decision))
        return found

    def asked(self, view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
        """Put the question in front of a view, which takes the `Admission` first; decorate below `route`.

        The route takes GET, which shows the question, and POST, which answers it.
        """

        @wraps(view)
        def ask_first(*args: object, **kwargs: object) -> ResponseReturnValue:
            if request.method != "POST":
                return self.question()
            answer: ResponseReturnValue = current_app.ensure_sync(view)(self.admit(), *args, **kwargs)
            return answer

        return ask_first

    def blueprint(
        self, create: Callable[[Admission], ResponseReturnValue], *, url: str = "/sign-up"
    ) -> Blueprint:
        """A blueprint with one route: the question, and `create` for who is admitted (`agegate.sign_up`)."""
        blueprint = Blueprint("agegate", __name__)
        blueprint.add_url_rule(url, "sign_up", self.asked(create), methods=["GET", "POST"])
        return blueprint

    def keep(self, **person: str) -> None:
        """Keep what a provider says of a person until the question is answered, for half an hour at most.

        Call it in the callback, then redirect to a view that is `asked`. It goes, encrypted, into a cookie of
        this browser alone; an `email` or `phone` is the one that the decision is about. It counts for pages
        that are shown from then on, never for one that was open before. Raises `ValueError` if it is longer
        than `LONGEST_KEPT`.
        """
        if len(json.dumps(person)) > LONGEST_KEPT:
            raise ValueError(f"keep at most {LONGEST_KEPT} characters of a person: name and e-mail address")
        self._set_cookie(self._cookie, self._carrier.close(person), int(TERM.total_seconds()))

    def language(self) -> str:
        """The Accept-Language of the request, with the region that sets the order of the boxes."""
        return request.headers.get("Accept-Language") or "en"

    def fields(self, decision: Decision | None = None) -> Markup:
        """The boxes for a form of the host's own, with a decision's errors; `age_fields()` in templates.

        `hidden` is among them.
        """
        errors = () if decision is None else decision.errors
        return self.hidden() + self.door.screen.fields(self.language(), errors=errors)

    def hidden(self) -> Markup:
        """The hidden input of a page that is about who is kept; nothing where nobody is."""
        found = self._mark()
        return Markup('<input type="hidden" name="{}" value="{}">').format(KEPT, found) if found else Markup()

    def question(self) -> Response:
        """The page that asks, with an e-mail box unless a provider gave one."""
        return self._page((), 200)

    def answer(self, decision: Decision) -> Response:
        """The refusal, or the question with its errors: as a page, or as problem details for who wants JSON."""
        return self._answer(decision.outcome, decision.errors, STATUS[decision.outcome])

    def _answer(self, outcome: Outcome, errors: tuple[FieldError, ...], status: int) -> Response:
        if wants_json():
            document = problem(self.door.screen, outcome, errors, self.language(), status)
            return _private(Response(json.dumps(document), status, mimetype=PROBLEM_TYPE))
        if outcome is Outcome.REFUSE:
            return self._html(self.door.screen.refusal(self.language()), status)
        return self._page(errors, status)

    def _page(self, errors: tuple[FieldError, ...], status: int) -> Response:
        mark = self._mark()
        asks_email = mark is None or not self._kept().keys() & {"email", "phone"}
        hidden = _csrf() | ({KEPT: mark} if mark else {})
        question = self.door.screen.question(self.language(), errors=errors, hidden=hidden, email=asks_email)
        return self._html(question, status)

    def _html(self, page: str, status: int) -> Response:
        return _private(Response(page, status, {"Content-Security-Policy": self.door.screen.csp}))

    @property
    def _cookie(self) -> str:
        """The name of the cookie that keeps."""
        return f"__Host-{KEPT}" if self.door.secure else KEPT

    def _kept(self) -> dict[str, str]:
        """What `keep` was given in this browser; nothing where it was changed or is too old."""
        return self._carrier.open(request.cookies.get(self._cookie)) or {}

    def _digest(self) -> str:
        """What names the cookie and does not show it."""
        return sha256(request.cookies[self._cookie].encode()).hexdigest()

    def _mark(self) -> str | None:
        """What a page that is shown now says of the cookie; `None` where it is not about who is kept.

        After a post the page stays about whom it was: who typed an address, or opened it before somebody was
        kept, never goes on as that other person.
        """
        counts = request.environ.get(_COUNTS, request.method in {"GET", "HEAD"})
        return self._digest() if counts and self._kept() else None

    def _answered_for(self, posted: Mapping[str, object]) -> dict[str, str]:
        """Who is kept, if that is who the page was about that was posted."""
        kept = self._kept()
        if not kept:
            return {}
        mark = {**(_body() or {}), **posted}.get(KEPT)
        typed = {name: posted[name] for name in ("email", "phone") if name in kept and posted.get(name)}
        counts = mark == self._digest() and all(_is_same(typed[name], kept[name]) for name in typed)
        request.environ[_COUNTS] = counts
        return kept if counts else {}

    def _remember(self, decision: Decision, cookie: str | None) -> None:
        """Set on the answer, whichever it will be, what a decision leaves in the browser."""
        if crumb := self.door.crumb(decision, cookie):
            self._set_cookie(crumb.name, crumb.value, crumb.max_age)
        if decision.outcome is not Outcome.INVALID and self._cookie in request.cookies:
            self._set_cookie(self._cookie, "", 0)

    def _set_cookie(self, name: str, value: str, max_age: int) -> None:
        @after_this_request
        def set_cookie(response: Response) -> Response:
            response.set_cookie(
                name, value, max_age=max_age, httponly=True, samesite="Lax", secure=self.door.secure
            )
            return response

    def _not_admitted(self, error: NotAdmittedError) -> Response:
        """The refusal for an account that nobody admitted, and a line without values for the operator."""
        current_app.logger.error("agegate: %s", error, exc_info=error)
        self._remember(_REFUSED, request.cookies.get(NAME))
        return self.answer(_REFUSED)


def current_door() -> AgeDoor:
    """The extension of the running application. Raises `ConfigError` if it has none."""
    found: AgeDoor | None = current_app.extensions.get(_EXTENSION)
    if found is None:
        raise ConfigError("this application has no AgeDoor: make one with AgeDoor(door, app)")
    return found


def admission() -> Admission | None:
    """The admission of this request, once: who asks again gets none."""
    found: Admission | None = g.pop("agegate_admission", None)
    return found


def wants_json() -> bool:
    """Whether the answer is to be JSON: to a JSON body, or for who accepts JSON rather than a page."""
    best = request.accept_mimetypes.best_match(["text/html", "application/json", PROBLEM_TYPE])
    return request.is_json or best in {"application/json", PROBLEM_TYPE}


def _read(door: AgeDoor) -> Mapping[str, object]:
    """The form or JSON object of the request, of a size that one has."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    # A form alone: no page posts JSON elsewhere without leave (CORS).
    if not request.is_json and is_elsewhere(site=site, origin=origin, host=request.host):
        abort(400)
    limit = request.max_content_length
    request.max_content_length = LARGEST_BODY if limit is None else min(limit, LARGEST_BODY)
    try:
        posted = _body()
    except RequestEntityTooLarge:
        abort(door._answer(Outcome.INVALID, (TOO_LARGE,), RequestEntityTooLarge.code))
    if posted is None:
        abort(door._answer(Outcome.INVALID, (UNREADABLE,), STATUS[Outcome.INVALID]))
    return posted


def _body() -> Mapping[str, object] | None:
    """The form or JSON object of the request; `None` for what is neither."""
    try:
        found = request.get_json(silent=True) if request.is_json else request.form.to_dict()
    except RecursionError:  # arrays in arrays in arrays
        return None
    return found if isinstance(found, dict) else None


def _is_same(typed: object, kept: str) -> bool:
    """Whether what was typed is what is kept, in letters of whatever case."""
    return isinstance(typed, str) and typed.strip().casefold() == kept.strip().casefold()


def _csrf() -> dict[str, str]:
    """The hidden input that Flask-WTF's `CSRFProtect` looks for, where the application has it."""
    if "csrf" not in current_app.extensions:
        return {}
    token: Any = current_app.jinja_env.globals["csrf_token"]
    return {str(current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")): token()}


def _private(response: Response) -> Response:
    """Kept by no cache; the answer depends on what is accepted."""
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(("Accept", "Accept-Language", "Cookie"))
    return response
