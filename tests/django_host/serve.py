"""Serves the project in the current folder on a free port, as `wsgi` or `asgi`; prints the port, then waits."""

from __future__ import annotations

import signal
import socket
import socketserver
import sys
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer, make_server

import django
from django.core.asgi import get_asgi_application
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application


class Threads(socketserver.ThreadingMixIn, WSGIServer):
    """A thread for each request, as real servers have."""

    daemon_threads = True


class Quiet(WSGIRequestHandler):
    """Writes no line for each request, and answers as HTTP/1.1 asks."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Nothing."""


def main(kind: str) -> None:
    """Make the tables, then serve until the process is stopped."""
    ServerHandler.http_version = "1.1"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # an end like any other, so that coverage is written
    django.setup()
    call_command("check", fail_level="WARNING")
    call_command("migrate", run_syncdb=True, verbosity=0)
    listener: socket.socket | None = None
    if kind == "asgi":
        import uvicorn

        listener = socket.create_server(("127.0.0.1", 0))
        print(listener.getsockname()[1], flush=True)
        config = uvicorn.Config(get_asgi_application(), lifespan="off", ws="none", http="h11", log_config=None)
        uvicorn.Server(config).run(sockets=[listener])
        return
    server = make_server("127.0.0.1", 0, get_wsgi_application(), Threads, Quiet)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
