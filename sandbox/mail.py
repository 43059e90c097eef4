"""A real SMTP server whose mails are kept as files and read in a browser.

Run it (``python -m sandbox.mail --mails /tmp/mails``), or use :class:`Mailbox` in a test.
"""

import argparse
import email
import email.policy
import html
import re
import threading
import time
from pathlib import Path

from aiosmtpd.controller import Controller

from .pages import Answer, PageServer, not_found, page, run


class _Inbox:
    """Writes each mail to a file; the name keeps the order of arrival."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        """Store a mail, with the addresses it was sent to."""
        with self.lock:
            name = f"{time.time_ns()}.eml"
            partial = self.folder / f"{name}.part"
            recipients = ", ".join(envelope.rcpt_tos)
            partial.write_bytes(f"X-Envelope-To: {recipients}\r\n".encode() + envelope.content)
            partial.rename(self.folder / name)
        return "250 OK"


class Mailbox(PageServer):
    """The SMTP server, and the pages at ``/mails`` that show what it received."""

    def __init__(self, folder, smtp_port, http_port=0):
        super().__init__(http_port)
        self.folder = Path(folder)
        self.smtp_port = smtp_port
        self._smtp = Controller(
            _Inbox(self.folder), hostname="127.0.0.1", port=smtp_port,
            data_size_limit=50_000_000)

    def start(self):
        """Start the SMTP server and the pages."""
        self._smtp.start()
        return super().start()

    def stop(self):
        """Stop the SMTP server and the pages."""
        self._smtp.stop()
        super().stop()

    def mails(self):
        """List all mails in the order of arrival, parsed."""
        return [
            email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            for file in sorted(self.folder.glob("*.eml"))]

    def wait_for_mail(self, recipient, subject_pattern, timeout=60, number=1):
        """Return the first mail to `recipient` whose subject matches, once it is there.

        :param int timeout: in seconds
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

    def answer(self, target):
        """Answer with the list of mails, a mail, its body, or one of its files."""
        path = target.split("?")[0]
        if path == "/mails":
            return page("Boîte aux lettres", _mail_list(self.mails()))
        match = re.fullmatch(r"/mails/(\d+)(/body|/file/(\d+))?", path)
        mails = self.mails()
        if not match or int(match[1]) >= len(mails):
            return not_found()
        mail = mails[int(match[1])]
        if match[2] == "/body":
            return Answer(html_of(mail).encode())
        if match[3]:
            return _file(mail, int(match[3]))
        return page(str(mail["Subject"]), _mail_body(mail, match[1]))


def html_of(mail):
    """Return the HTML part of a mail (its text, escaped, when there is none)."""
    part = mail.get_body(("html", "plain"))
    content = part.get_content() if part else ""
    if part is not None and part.get_content_type() == "text/plain":
        return f"<pre>{html.escape(content)}</pre>"
    return content


def _file(mail, number):
    attached = list(mail.iter_attachments())
    if number >= len(attached):
        return not_found()
    return Answer(attached[number].get_payload(decode=True), attached[number].get_content_type())


def _mail_body(mail, index):
    files = "".join(
        f'<li><a href="/mails/{index}/file/{n}">{html.escape(str(a.get_filename()))}</a>'
        for n, a in enumerate(mail.iter_attachments()))
    return (
        f'<p><a href="/mails">Boîte aux lettres</a></p><h1>{html.escape(mail["Subject"])}'
        f'</h1><p>À : {html.escape(mail["X-Envelope-To"])}</p><ul>{files}</ul>'
        f'<iframe src="/mails/{index}/body" title="Message"></iframe>')


def _mail_list(mails):
    rows = "".join(
        f'<tr><td>{html.escape(str(mail["Date"] or ""))}<td>{html.escape(mail["X-Envelope-To"])}'
        f'<td><a href="/mails/{index}">{html.escape(str(mail["Subject"]))}</a>'
        for index, mail in reversed(list(enumerate(mails))))
    return f"<h1>Boîte aux lettres</h1><table>{rows}</table>" if rows else (
        "<h1>Boîte aux lettres</h1><p>Aucun message pour l’instant.</p>")


def main():
    """Start the mailbox by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smtp", type=int, default=8025, help="port for the senders of mails")
    parser.add_argument("--port", type=int, default=8070, help="port for the browser")
    parser.add_argument("--mails", required=True, help="folder of what was received")
    options = parser.parse_args()
    run(Mailbox(options.mails, options.smtp, options.port), "/mails")


if __name__ == "__main__":
    main()
