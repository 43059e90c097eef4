"""WeasyPrint, with what is slow done once a process: parsing style sheets, loading fonts."""

import logging
import re
from collections import OrderedDict
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice, zip_longest

import lxml.html
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

# WeasyPrint warns of every declaration of Bootstrap that is not for paper.
logging.getLogger("weasyprint").setLevel(logging.ERROR)
logging.getLogger("weasyprint.progress").setLevel(logging.ERROR)

BUNDLE = re.compile(r"/web/assets/(?:[\w-]+/)+[\w.-]+\.css")
FONT_FACE = re.compile(r"@font-face\s*{[^{}]*}")
FONT_FAMILY = re.compile(r"font-family:\s*[\"']?([^;\"'}]+)")
# Where a link on paper may lead; a path is one of this Odoo.
LINK = re.compile(r"(?:https?:|mailto:|tel:|[#/?]|[^:/?#]*(?:[/?#]|$))", re.I)
SHEETS_KEPT = 16  # a bundle per language direction, database and version
PX_IN_MM = 96 / 25.4
# An archival file has no interpolated images (ISO 19005-3, 6.2.8): WeasyPrint asks viewers to,
# logos, codes and emoji alike, unless it is told otherwise.
ARCHIVAL = "* { image-rendering: pixelated !important; }"

_sheets = OrderedDict()
_fonts = None


@dataclass(frozen=True)
class Page:
    """A sheet of paper: sizes and margins in millimetres."""

    width: float
    height: float
    top: float
    right: float
    bottom: float
    left: float

    def css(self):
        """Return the page as a rule of CSS."""
        return (
            f"@page {{ size: {self.width}mm {self.height}mm; "
            f"margin: {self.top}mm {self.right}mm {self.bottom}mm {self.left}mm; }}")


def fonts():
    """Return the fonts of the system and those of the style sheets, loaded once."""
    global _fonts
    if _fonts is None:
        _fonts = FontConfiguration()
    return _fonts


def sheet(key, read, fetcher, base_url):
    """Return a style sheet, parsed the first time.

    :param key: what identifies its content: the address of a bundle holds its checksum
    :param read: function that returns its text
    """
    if key not in _sheets:
        _sheets[key] = CSS(
            string=_without_idle_fonts(read()), url_fetcher=fetcher, base_url=base_url,
            font_config=fonts())
    _sheets.move_to_end(key)
    while len(_sheets) > SHEETS_KEPT:
        _sheets.popitem(last=False)
    return _sheets[key]


def _without_idle_fonts(css):
    """Remove the fonts that nothing is written in: unpacking all that Odoo has takes seconds."""
    used = FONT_FACE.sub("", css)

    def keep(face):
        family = FONT_FAMILY.search(face[0])
        return face[0] if family and family[1].strip() in used else ""

    return FONT_FACE.sub(keep, css)


def compose(body, header=None, footer=None):
    """Make one HTML document of a body and of its header and footer, which run on every page.

    :param str body: a whole document, as ``web.minimal_layout`` makes it
    :param header: lxml node, or None
    :param footer: lxml node, or None
    :return: (html, addresses of its style sheets)
    """
    tree = lxml.html.document_fromstring(body, parser=lxml.html.HTMLParser(encoding="utf-8"))
    links = [link.get("href") for link in tree.iter("link")
             if BUNDLE.fullmatch(link.get("href", ""))]
    for node in [*tree.iter("script", "link", "base")]:
        node.drop_tree()
    # Running elements come first, or they would miss the page they stand on.
    for position, (name, node) in enumerate((("header", header), ("footer", footer))):
        if node is not None:
            node = deepcopy(node)
            node.tail = None
            node.classes.add(f"o_paper_{name}")
            tree.body.insert(position, node)
    _drop_commands(tree)
    return lxml.html.tostring(tree, encoding="unicode", doctype="<!DOCTYPE html>"), links


def _drop_commands(tree):
    """Remove what makes a layout engine do more than lay out: texts are typed by anybody.

    ``rel="attachment"`` asks it to put the file that a link leads to into the PDF.
    """
    for node in tree.xpath("//*[@rel]"):
        del node.attrib["rel"]
    for node in tree.xpath("//*[@href]"):
        if not LINK.match(node.get("href").strip()):
            del node.attrib["href"]


def parts(bodies, header, footer):
    """Give each body its own header and footer, out of the documents that hold all of them.

    :return: list of (body, header node or None, footer node or None)
    """
    headers, footers = _running_nodes(header), _running_nodes(footer)
    return list(islice(zip_longest(bodies, headers, footers), len(bodies)))


def _running_nodes(html):
    """Return the headers (or footers) of a document with those of all bodies, in their order."""
    if not html:
        return []
    tree = lxml.html.document_fromstring(html, parser=lxml.html.HTMLParser(encoding="utf-8"))
    return [*tree.xpath("//div[starts-with(@id, 'minimal_layout_report_')]/*")]


def lay_out(html, sheets, page, fetcher, base_url, **options):
    """Lay out a document whose margins make room for a header that needs it.

    :return: a WeasyPrint document
    """
    document = _lay_out(html, sheets, page, fetcher, base_url, options)
    top, bottom = (_height_in_margin(document, margin) for margin in ("@top-left", "@bottom-left"))
    if top > page.top or bottom > page.bottom:
        page = replace(page, top=max(top, page.top), bottom=max(bottom, page.bottom))
        document = _lay_out(html, sheets, page, fetcher, base_url, options)
    return document


def _lay_out(html, sheets, page, fetcher, base_url, options):
    """Lay out a document with the margins of a page."""
    archival = ARCHIVAL if options.get("pdf_variant") else ""
    page_sheet = CSS(string=page.css() + archival, url_fetcher=fetcher, base_url=base_url)
    return HTML(string=html, url_fetcher=fetcher, base_url=base_url).render(
        font_config=fonts(), stylesheets=[*sheets, page_sheet], **options)


def _height_in_margin(document, margin):
    """Return how many millimetres the content of a margin of the first page takes."""
    for box in document.pages[0]._page_box.children if document.pages else []:
        if getattr(box, "at_keyword", None) == margin:
            return sum(child.margin_height() for child in box.children) / PX_IN_MM
    return 0.0


def print_documents(documents, **options):
    """Return the PDF of one or several laid out documents, in their order."""
    first = documents[0]
    if len(documents) > 1:
        first = first.copy([page for document in documents for page in document.pages])
    return first.write_pdf(**options)
