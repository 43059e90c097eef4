"""Run the payment server: ``python -m sandbox.stripe --port 12111``."""

import argparse
import os
import socket
import sys
import threading
from pathlib import Path

from aiohttp import web

from . import keeping
from .app import Server


def main():
    """Start the payment server, and print its address."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--child", action="store_true", help="end when the standard input does")
    parser.add_argument("--state", type=Path, help="the file of what outlives the process")
    options = parser.parse_args()
    if options.child:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    listening = socket.create_server(("127.0.0.1", options.port))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    server = Server()
    app = server.application()
    if options.state:
        keeping.keep(server, app, options.state)
    web.run_app(app, sock=listening, print=None, access_log=None, shutdown_timeout=1)


def _end_with_parent():
    """End when the parent does, so that tests that are killed leave no server behind."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
