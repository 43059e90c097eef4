"""What an archival PDF says of the Factur-X file it carries (Factur-X 1.0, chapter 6)."""

import hashlib
import io

from lxml import etree

from odoo.tools import file_open
from odoo.tools.pdf import (
    ArrayObject,
    ByteStringObject,
    NameObject,
    NumberObject,
    OdooPdfFileReader,
    OdooPdfFileWriter,
)

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
SCHEMA = "invoice_europe/static/src/facturx.xmp"
SIGN = b"urn:factur-x:pdfa:CrossIndustryDocument"


def describe_factur_x(pdf):
    """Name the embedded file in the metadata (XMP) of a PDF/A-3, and state its size as a number.

    :param bytes pdf: with its Factur-X file, as Odoo embeds it
    :return: bytes; the same when the PDF has no metadata of its own, or names the file already
    """
    reader = OdooPdfFileReader(io.BytesIO(pdf), strict=False)
    metadata = reader.trailer["/Root"].get("/Metadata")
    if metadata is None or SIGN in (content := metadata.get_object().get_data()):
        return pdf
    writer = OdooPdfFileWriter()
    writer.cloneReaderDocumentRoot(reader)
    # The mark of a binary file comes right after the first line (ISO 19005-3, 6.1.2): pypdf would
    # add a second end of line to the one that Odoo hands over.
    writer.pdf_header = writer.pdf_header.rstrip()
    writer.add_file_metadata(_with_factur_x(content))
    identity = ByteStringObject(hashlib.md5(pdf, usedforsecurity=False).digest())
    writer._set_id(ArrayObject((identity, identity)))  # ISO 19005-3, 6.1.3; Odoo drops it
    for file in writer._root_object["/AF"].get_object():
        parameters = file.get_object()["/EF"]["/F"].get_object()["/Params"]
        if isinstance(parameters["/Size"], NameObject):
            parameters[NameObject("/Size")] = NumberObject(int(parameters["/Size"].lstrip("/")))
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def _with_factur_x(content):
    """Add the description of the file to metadata, and take them out of their wrapping.

    :param bytes content: metadata, perhaps in an ``xpacket``
    :return: bytes
    """
    start = content.index(b"<", content.index(b"?>") + 2) if b"<?xpacket" in content else 0
    end = content.rindex(b"<?xpacket") if b"<?xpacket" in content else len(content)
    metadata = etree.fromstring(content[start:end])
    rdf = metadata if metadata.tag == f"{RDF}RDF" else metadata.find(f".//{RDF}RDF")
    with file_open(SCHEMA, "rb") as file:
        rdf.extend(list(etree.fromstring(file.read())))
    return etree.tostring(metadata)
