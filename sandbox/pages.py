"""Web pages served from a thread: what the mailbox and the LMS are made of."""

import html
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

PAGE = """<!doctype html><html lang="fr"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 16px/1.5 sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }}
td {{ padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd }}
iframe {{ width: 100%; height: 36rem; border: 1px solid #ccc }}
</style><body>{body}</body></html>"""
HTML = "text/html; charset=utf-8"


class Answer(NamedTuple):
    """What is sent back for a path."""

    content: bytes
    content_type: str = HTML
    status: int = 200


def page(title, body, status=200):
    """Answer with a page of the sandbox's plain look.

    :param str title: text, escaped here
    :param str body: HTML
    """
    return Answer(PAGE.format(title=html.escape(title), body=body).encode(), status=status)


def not_found():
    """Answer that there is no such page."""
    return page("Introuvable", "<h1>Introuvable</h1>", 404)


class PageServer:
    """An HTTP server on loopback; a subclass says what is at a path.

    :param int port: 0 for any free one; `http_port` says which
    """

    def __init__(self, port=0):
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.http_port = self._http.server_address[1]

    def answer(self, target):
        """Return the :class:`Answer` to GET.

        :param str target: path and query, as the browser sent them
        """
        raise NotImplementedError

    def start(self):
        """Serve from a thread."""
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def stop(self):
        """Stop serving, and free the port."""
        self._http.shutdown()
        self._http.server_close()


def run(server, start_page):
    """Serve until SIGTERM or Ctrl-C.

    :param str start_page: path printed for whoever started it by hand
    """
    server.start()
    print(f"http://127.0.0.1:{server.http_port}{start_page}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop()


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802  http.server's name
            answer = server.answer(self.path)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *arguments):
            """Keep silent: who wants to know reads the mailbox, or the visits of the LMS."""

    return Handler
