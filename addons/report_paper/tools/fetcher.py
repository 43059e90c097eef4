"""What a report may load: files of this Odoo, read in process; nothing from anywhere else."""

import base64
import mimetypes
import re
from urllib.parse import parse_qsl, unquote, urlsplit

from weasyprint.urls import URLFetcher, URLFetcherResponse

from odoo.http import root
from odoo.tools import file_open
from odoo.tools.mimetypes import guess_mimetype

BINARY = re.compile(r"""/web/(?:image|content)(?:/(?:
    (?P<model>[\w.]+)/(?P<id>[0-9]+)(?:-[^/]*)?/(?P<field>\w+)
    |(?P<attachment>[0-9]+)(?:-[^/]*)?
    |(?P<xmlid>\w+\.[\w.]+)
    )(?:/.*)?)?""", re.X)
BARCODE = re.compile(r"/report/barcode(?:/(?P<barcode_type>\w+)/(?P<value>.+))?/?")
PICTURES = ("image/", "font/", "application/font-", "application/x-font-",
            "application/vnd.ms-fontobject", "application/vnd.ms-opentype")
MAX_ID_DIGITS = 9  # what surely is an id for the database


class PaperAnswers:
    """Answers what a process that lays out a document asks: style sheets, images and fonts.

    :param report: the ``ir.actions.report`` that is printed
    :param fetcher: a :class:`PaperFetcher`
    """

    def __init__(self, report, fetcher):
        self._report = report
        self._fetcher = fetcher

    def __call__(self, question):
        """:return: (message, content)"""
        if question["kind"] == "sheet":
            link = question["key"].partition(" ")[2]
            return {}, self._report._paper_sheet(link).encode()
        try:
            response = self._fetcher.fetch(question["url"])
        except Exception as error:  # what an address that somebody typed can lead to
            return {"error": f"{type(error).__name__}: {error}"[:500]}, b""
        return {"mimetype": response.content_type}, response.read()


class PaperFetcher(URLFetcher):
    """Reads images and fonts of a report that anybody who may read the report may see.

    A report shows texts that customers and staff typed: were its addresses fetched as they
    are, an ``<img src="file:///etc/passwd">`` or an address of the inner network would be
    read by the server. So ``data:`` is decoded, own paths are read in process (no request, no
    deadlock with a single worker), and all else is refused.

    Who wrote an address is not known: a note is copied from one document to another, and an
    administrator or a scheduled action prints it. So nobody's rights are lent to it. What it names
    is printed when it is public, when it carries its access token, as the editor writes it, or
    when it is attached to the document that is printed.

    :param documents: the records printed, or None
    """

    def __init__(self, env, base_url, documents=None):
        super().__init__(allowed_protocols=("data",))
        self._env = env(user=env.ref("base.public_user").id, su=False)
        self._documents = documents
        self._origin = urlsplit(base_url)[:2]

    def fetch(self, url, headers=None):
        """Read what an address of a report refers to.

        :param str url: absolute, or ``data:``
        :raise ValueError: it is not of this Odoo, or nothing is there
        """
        parts = urlsplit(url)
        if parts.scheme == "data":
            return super().fetch(url, headers)
        path = unquote(parts.path)
        if parts[:2] != self._origin or ".." in path.split("/"):
            raise ValueError(f"Reports load nothing from {url}")
        content, mimetype = self._read(path, dict(parse_qsl(parts.query)))
        if not mimetype.startswith(PICTURES):
            raise ValueError(f"Reports load images and fonts only, not {mimetype}: {url}")
        return URLFetcherResponse(url, body=content, headers={"Content-Type": mimetype})

    def _read(self, path, query):
        """Read an own path.

        :return: (bytes, mimetype)
        """
        if static := root.get_static_file(path):
            with file_open(static, "rb") as file:
                return file.read(), mimetypes.guess_type(path)[0] or "application/octet-stream"
        if match := BARCODE.fullmatch(path):
            arguments = {**query, **_found(match)}
            return self._env["ir.actions.report"].barcode(
                arguments.pop("barcode_type"), arguments.pop("value"), **arguments), "image/png"
        if match := BINARY.fullmatch(path):
            return self._read_binary({**query, **_found(match)})
        raise ValueError(f"Reports load nothing from {path}")

    def _read_binary(self, query):
        """Read a field of a record that everybody may read, or a file of the document.

        :raise AccessError: not everybody may
        """
        field = query.get("field", "raw")
        record_id = query.get("attachment") or query.get("id") or ""
        if not query.get("xmlid") and not (
                record_id.isdecimal() and len(record_id) <= MAX_ID_DIGITS):
            raise ValueError(f"No id: {record_id}")
        # What is typed into an address must not end the transaction of the document.
        with self._env.cr.savepoint(flush=False):
            record = self._attached(record_id, query) or self._env["ir.binary"]._find_record(
                query.get("xmlid"), query.get("model", "ir.attachment"),
                record_id and int(record_id), query.get("access_token"), field=field)
            content = record[field]
        if not content or record._fields[field].type != "binary":
            raise ValueError(f"Nothing to load in {record}, {field}")
        if field != "raw":
            content = base64.b64decode(content)
        return content, guess_mimetype(content)

    def _attached(self, record_id, query):
        """Return the attachment of the documents printed that has this id, if any."""
        # sudo: whoever may read a document may read what is attached to it
        attachments = self._env["ir.attachment"].sudo()
        if not self._documents or not record_id or query.get("xmlid") or query.get(
                "model", "ir.attachment") != "ir.attachment":
            return attachments
        return attachments.search([
            ("id", "=", int(record_id)), ("res_model", "=", self._documents._name),
            ("res_id", "in", self._documents.ids), ("res_field", "=", False)])


def _found(match):
    """Return the named groups of a match that are not empty."""
    return {name: value for name, value in match.groupdict().items() if value}
