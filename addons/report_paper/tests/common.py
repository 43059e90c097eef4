import subprocess
import tempfile

from odoo.tests import TransactionCase

LAYOUT = """
<t t-call="web.html_container">
    <t t-foreach="docs" t-as="o">
        <div class="header"><t t-out="head or 'The seller'"/></div>
        <div class="article" data-oe-model="res.partner" t-att-data-oe-id="o.id">
            <h2>Sheet of <t t-out="o.name"/></h2>
            <t t-out="body"/>
            <table class="table">
                <thead><tr><th>Line</th><th>Amount</th></tr></thead>
                <tbody>
                    <tr t-foreach="range(1, lines + 1)" t-as="line"
                        t-att-data-paper-carry="'Carry %s.' % line"
                        t-att-data-paper-brought="'Brought %s.' % line">
                        <td>Line number <t t-out="line"/></td><td>1.00</td>
                    </tr>
                </tbody>
            </table>
            <div data-paper-carry-end="1">The end.</div>
        </div>
        <div class="footer">Page <span class="page"/> / <span class="topage"/></div>
    </t>
</t>"""


def pages(content):
    """Return the text of each page of a PDF, as poppler reads it."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        text = subprocess.run(["pdftotext", "-layout", file.name, "-"], check=True,
                              capture_output=True, text=True).stdout
    return text.split("\f")[:-1]


class PaperCase(TransactionCase):
    """A report on partners with a header, a footer and as many lines as is asked for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.ui.view"].create({
            "type": "qweb", "name": "Sheet", "key": "report_paper.test_sheet", "arch": LAYOUT})
        cls.report = cls.env["ir.actions.report"].create({
            "name": "Sheet", "model": "res.partner", "report_type": "qweb-pdf",
            "report_name": "report_paper.test_sheet",
            "paperformat_id": cls.env.ref("base.paperformat_euro").id})
        cls.partners = cls.env["res.partner"].create([{"name": "Ada"}, {"name": "Béla"}])

    pages = staticmethod(pages)

    def print(self, partners, lines=1, **data):
        """Return the bytes of the PDF, as a user's click makes it."""
        content, kind = self.env["ir.actions.report"].with_context(
            force_report_rendering=True)._render_qweb_pdf(
                self.report, partners.ids, data={"lines": lines, "body": "", "head": "", **data})
        self.assertEqual(kind, "pdf")
        return content
