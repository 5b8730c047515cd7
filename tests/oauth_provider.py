"""A local OpenID provider, and a way to serve an ASGI application on a real port for a test.

The provider asks nobody: `/authorize` sends the browser straight back with a code, and the user is the one
that the test chose. Endpoints and claims follow OpenID Connect Core 1.0 and OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlencode, urlsplit

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

CLIENT_ID = "agegate-test-client"
CLIENT_SECRET = "a-secret-that-only-tests-know"

_START = 20.0
"""Seconds that a server may take to start."""


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The URL of an ASGI application that runs under uvicorn in a thread, until the block ends.

    Its loggers are left as they are, so that `caplog` sees what it logs.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        log_config=None,
        ws="none",
        loop="asyncio",
        http="h11",
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    end = time.monotonic() + _START
    while not server.started and thread.is_alive() and time.monotonic() < end:
        time.sleep(0.01)
    assert server.started, "the application did not start"
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_START)
        listener.close()
        assert not thread.is_alive(), "the application did not stop"


@dataclass
class Provider:
    """A running provider: where it is, and whom it says has signed in."""

    email: str
    name: str = "Provider User"
    claims: dict[str, object] = field(default_factory=dict)
    """More that it says of the user, such as `birthdate`."""
    subject: str = field(default_factory=lambda: secrets.token_hex(8))
    url: str = ""
    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    asked: list[str] = field(default_factory=list)
    """The paths that were asked for, in order."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _bearers: dict[str, dict[str, object]] = field(default_factory=dict, repr=False)

    @property
    def discovery(self) -> str:
        """Where its description is."""
        return f"{self.url}/.well-known/openid-configuration"

    @property
    def user(self) -> dict[str, object]:
        """The claims of the user who has signed in now."""
        return {
            "sub": self.subject,
            "email": self.email,
            "email_verified": True,
            "name": self.name,
            "preferred_username": self.name,
            **self.claims,
        }

    def become(self, email: str, name: str = "Another User", **claims: object) -> None:
        """Let another user sign in from now on."""
        self.email, self.name, self.claims = email, name, claims
        self.subject = secrets.token_hex(8)

    def app(self) -> Starlette:
        """The provider's own application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._describe),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/userinfo", self._userinfo, methods=["GET", "POST"]),
                Route("/jwks", self._jwks),
            ]
        )

    async def _describe(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        ends = {
            "authorization_endpoint": "authorize",
            "token_endpoint": "token",
            "userinfo_endpoint": "userinfo",
            "jwks_uri": "jwks",
        }
        return JSONResponse(
            {
                "issuer": self.url,
                **{name: f"{self.url}/{path}" for name, path in ends.items()},
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _authorize(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        asked = dict(request.query_params)
        if asked.get("client_id") != self.client_id or asked.get("response_type") != "code":
            return JSONResponse({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        back = asked["redirect_uri"]
        sent = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        return RedirectResponse(f"{back}{'&' if urlsplit(back).query else '?'}{urlencode(sent)}", 302)

    async def _token(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        async with request.form() as form:
            posted = {name: value for name, value in form.items() if isinstance(value, str)}
        if not self._is_client(request.headers.get("authorization", ""), posted):
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self._codes.pop(posted.get("code", ""), None)
        if asked is None or not _proves(asked, posted.get("code_verifier", "")):
            return JSONResponse({"error": "invalid_grant"}, 400)
        bearer = secrets.token_urlsafe(24)
        self._bearers[bearer] = self.user
        answer = {"access_token": bearer, "token_type": "Bearer", "expires_in": 600}
        if "openid" in asked.get("scope", "").split():
            answer["id_token"] = self._id_token(asked.get("nonce"))
        return JSONResponse(answer)

    async def _userinfo(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        user = self._bearers.get(bearer) if kind.lower() == "bearer" else None
        return JSONResponse({"error": "invalid_token"}, 401) if user is None else JSONResponse(user)

    async def _jwks(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        return JSONResponse(KeySet([_key()]).as_dict(private=False))

    def _is_client(self, header: str, posted: dict[str, str]) -> bool:
        """Whether the client shows its secret, in the header or in the body (RFC 6749, section 2.3.1)."""
        own = (self.client_id, self.client_secret)
        if header.lower().startswith("basic "):
            name, _, secret = base64.b64decode(header[6:]).decode().partition(":")
            return (name, secret) == own
        return (posted.get("client_id"), posted.get("client_secret")) == own

    def _id_token(self, nonce: str | None) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": self.client_id, "iat": now, "exp": now + 600, **self.user}
        if nonce is not None:
            claims["nonce"] = nonce
        return jwt.encode({"alg": "RS256", "kid": _key().kid}, claims, _key())


@cache
def _key() -> RSAKey:
    """The key that signs identity tokens: one for the whole run, as making one takes a while."""
    return RSAKey.generate_key(2048, auto_kid=True)


def _proves(asked: dict[str, str], verifier: str) -> bool:
    """Whether a code's challenge is met (RFC 7636); a code without one needs no proof."""
    challenge = asked.get("code_challenge")
    if challenge is None:
        return True
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


@contextmanager
def provider(*, email: str, name: str = "Provider User", **claims: object) -> Iterator[Provider]:
    """A provider on a port of its own, where this user has signed in."""
    found = Provider(email=email, name=name, claims=claims)
    with serving(found.app()) as url:
        found.url = url
        yield found
