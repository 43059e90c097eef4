"""The outside world of the demo and of the tests, on loopback.

A real SMTP server whose mails are kept as files and can be read in a browser, and a page that
stands for the customer's LMS. Run it, or use :class:`World` in a test.
"""

import argparse
import email
import email.policy
import html
import re
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller

PAGE = """<!doctype html><html lang="fr"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 16px/1.5 sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }}
td {{ padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd }}
iframe {{ width: 100%; height: 36rem; border: 1px solid #ccc }}
</style><body>{body}</body></html>"""


class _Inbox:
    """Writes each mail to a file; the name keeps the order of arrival."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        with self.lock:
            name = f"{time.time_ns()}.eml"
            partial = self.folder / f"{name}.part"
            recipients = ", ".join(envelope.rcpt_tos)
            partial.write_bytes(f"X-Envelope-To: {recipients}\r\n".encode() + envelope.content)
            partial.rename(self.folder / name)
        return "250 OK"


class World:
    """The SMTP server, and the HTTP server of mailbox and LMS."""

    def __init__(self, folder, smtp_port, http_port=0):
        self.folder = Path(folder)
        self.visits = []  # paths of the LMS that were opened
        self._smtp = Controller(
            _Inbox(self.folder), hostname="127.0.0.1", port=smtp_port,
            data_size_limit=50_000_000)
        self._http = ThreadingHTTPServer(("127.0.0.1", http_port), _handler(self))
        self.http_port = self._http.server_address[1]
        self.smtp_port = smtp_port

    def start(self):
        self._smtp.start()
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self._smtp.stop()
        self._http.shutdown()
        self._http.server_close()

    def mails(self):
        """All mails in the order of arrival, parsed."""
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in sorted(self.folder.glob("*.eml"))]

    def wait_for_mail(self, recipient, subject_pattern, timeout=60, number=1):
        """The first mail to `recipient` whose subject matches, once it is there.

        :param int number: which of them, when several are expected
        :raise AssertionError: after `timeout` seconds, naming what did arrive
        """
        deadline = time.monotonic() + timeout
        while True:
            mails = self.mails()
            matching = [mail for mail in mails if recipient in mail["X-Envelope-To"]
                        and re.search(subject_pattern, mail["Subject"])]
            if len(matching) >= number:
                return matching[number - 1]
            if time.monotonic() > deadline:
                seen = [(mail["X-Envelope-To"], mail["Subject"]) for mail in mails]
                raise AssertionError(f"no mail {subject_pattern!r} to {recipient}; seen: {seen}")
            time.sleep(0.2)


def html_of(mail):
    """The HTML part of a mail (its text, escaped, when there is none)."""
    part = mail.get_body(("html", "plain"))
    content = part.get_content() if part else ""
    if part is not None and part.get_content_type() == "text/plain":
        return f"<pre>{html.escape(content)}</pre>"
    return content


def _handler(world):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802  http.server's name
            path = self.path.split("?")[0]
            if path == "/mails":
                return self._page("Boîte aux lettres", _mail_list(world.mails()))
            match = re.fullmatch(r"/mails/(\d+)(/body|/file/(\d+))?", path)
            if match:
                return self._mail(int(match[1]), match[2], match[3])
            if path.startswith("/lms/"):
                world.visits.append(self.path)
                course = html.escape(path.removeprefix("/lms/").replace("-", " "))
                return self._page("LMS de démonstration", f"<h1>Cours : {course}</h1>"
                                  "<p>Vous êtes sur la plateforme de formation.</p>")
            return self._page("Introuvable", "<h1>Introuvable</h1>", 404)

        def _mail(self, index, part, file_index):
            mails = world.mails()
            if index >= len(mails):
                return self._page("Introuvable", "<h1>Introuvable</h1>", 404)
            mail = mails[index]
            if part == "/body":
                return self._send(html_of(mail).encode(), "text/html; charset=utf-8")
            if file_index is not None:
                attached = list(mail.iter_attachments())[int(file_index)]
                return self._send(attached.get_payload(decode=True), attached.get_content_type())
            files = "".join(
                f'<li><a href="/mails/{index}/file/{n}">{html.escape(str(a.get_filename()))}</a>'
                for n, a in enumerate(mail.iter_attachments()))
            return self._page(str(mail["Subject"]), (
                f'<p><a href="/mails">Boîte aux lettres</a></p><h1>{html.escape(mail["Subject"])}'
                f'</h1><p>À : {html.escape(mail["X-Envelope-To"])}</p><ul>{files}</ul>'
                f'<iframe src="/mails/{index}/body" title="Message"></iframe>'))

        def _page(self, title, body, status=200):
            self._send(PAGE.format(title=html.escape(title), body=body).encode(),
                       "text/html; charset=utf-8", status)

        def _send(self, content, content_type, status=200):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            """Silence: the tests read `world.visits`."""

    return Handler


def _mail_list(mails):
    rows = "".join(
        f'<tr><td>{html.escape(str(mail["Date"] or ""))}<td>{html.escape(mail["X-Envelope-To"])}'
        f'<td><a href="/mails/{index}">{html.escape(str(mail["Subject"]))}</a>'
        for index, mail in reversed(list(enumerate(mails))))
    return f"<h1>Boîte aux lettres</h1><table>{rows}</table>" if rows else (
        "<h1>Boîte aux lettres</h1><p>Aucun message pour l’instant.</p>")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smtp", type=int, required=True)
    parser.add_argument("--http", type=int, required=True)
    parser.add_argument("--mails", required=True)
    options = parser.parse_args()
    World(options.mails, options.smtp, options.http).start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
