"""Run the payment server: ``python -m tests.servers.stripe --port 12111``."""

import argparse
import socket

from aiohttp import web

from .app import Server


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    listening = socket.create_server(("127.0.0.1", parser.parse_args().port))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    web.run_app(Server().application(), sock=listening, print=None, access_log=None)


if __name__ == "__main__":
    main()
