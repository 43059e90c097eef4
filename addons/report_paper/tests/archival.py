"""What keeps a PDF from being archival (PDF/A-3b, ISO 19005-3), as far as its objects tell.

Not a whole validator: it asks for what veraPDF found wrong once, and for what a change of the
engine or of a template could lose.
"""

import io

from lxml import etree
from pypdf import PdfReader
from pypdf.generic import BooleanObject, DictionaryObject

PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
BINARY = 127  # bytes above it tell programs that a file is no text
ACTIONS = ("/JavaScript", "/Launch", "/Movie", "/Sound", "/ResetForm", "/ImportData", "/Hide")
RELATIONS = ("/Source", "/Data", "/Alternative", "/Supplement", "/Unspecified")


def faults(pdf):
    """Find what is wrong in a PDF by the archival standard.

    :param bytes pdf: the file
    :return: list of (clause, what is wrong)
    """
    reader = PdfReader(io.BytesIO(pdf))
    found = [*_of_file(pdf, reader), *_of_metadata(reader), *_of_colours(reader)]
    for item in _dictionaries(reader):
        found += [*_of_font(item), *_of_image(item), *_of_action(item), *_of_attachment(item)]
    return found


def _of_file(pdf, reader):
    first, second = pdf.split(b"\n", 2)[:2]
    if not first.startswith(b"%PDF-1."):
        yield "6.1.2", "no header"
    if second[:1] != b"%" or len([byte for byte in second[1:5] if byte > BINARY]) < 4:
        yield "6.1.2", "no mark of a binary file"
    if "/ID" not in reader.trailer:
        yield "6.1.3", "no identifier"
    if "/Encrypt" in reader.trailer:
        yield "6.1.3", "encrypted"


def metadata(reader):
    """Return the XMP metadata as an lxml tree, or None."""
    stream = reader.trailer["/Root"].get("/Metadata")
    return None if stream is None else etree.fromstring(stream.get_object().get_data())


def said(tree, name):
    """Return the value of a property, written as an attribute or as an element."""
    for description in tree.iter(f"{RDF}Description"):
        value = description.get(name) or description.findtext(name)
        if value:
            return value
    return None


def _of_metadata(reader):
    tree = metadata(reader)
    if tree is None:
        yield "6.6.2.1", "no metadata"
    elif (said(tree, f"{PDFAID}part"), said(tree, f"{PDFAID}conformance")) != ("3", "B"):
        yield "6.6.4", "not said to be PDF/A-3b"


def _of_colours(reader):
    intents = reader.trailer["/Root"].get("/OutputIntents", [])
    profiles = [intent.get_object().get("/DestOutputProfile") for intent in intents
                if intent.get_object().get("/S") == "/GTS_PDFA1"]
    if len(profiles) != 1 or profiles[0].get_object().get_data()[36:40] != b"acsp":
        yield "6.2.3", "no colour profile"


def _dictionaries(reader):
    """Yield all objects of the file, once each: pages, fonts, images, actions, files."""
    numbers = {number for table in reader.xref.values() for number in table}
    for number in sorted(numbers | set(reader.xref_objStm)):
        item = reader.get_object(number)
        if isinstance(item, DictionaryObject):
            yield item


def _of_font(item):
    if item.get("/Type") == "/Font" and item["/Subtype"] not in ("/Type0", "/Type3"):
        descriptor = item.get("/FontDescriptor", {})
        if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor):
            yield "6.2.11.4", f"{item.get('/BaseFont')} is not embedded"


def _of_image(item):
    if item.get("/Subtype") == "/Image" and item.get("/Interpolate") == BooleanObject(True):
        yield "6.2.8", "interpolated image"


def _of_action(item):
    """Yield the actions that run by themselves."""
    if item.get("/S") in ACTIONS or {"/JS", "/AA", "/OpenAction"} & set(item):
        yield "6.5", f"action {item.get('/S', '')}"


def _of_attachment(item):
    if item.get("/Type") == "/Filespec":
        if item.get("/AFRelationship") not in RELATIONS:
            yield "6.8", "a file of no relationship"
        if not {"/F", "/UF"} <= set(item):
            yield "6.8", "a file without name"
        if "/" not in item["/EF"]["/F"].get_object().get("/Subtype", "")[1:]:
            yield "6.8", "a file of no type"
