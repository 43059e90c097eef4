"""The amounts of an invoice as three readers see them: whoever opens the file, the paper, the
books. Each gives the same dict, in the invoice's currency, credit notes positive."""

import re
import subprocess
from collections import defaultdict

from lxml import etree

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
TAX = re.compile(r"VAT ([\d.]+)%(?: on (.+))?")


def of_file(xml):
    """Read Factur-X: BT-109, BT-110, BT-112, BT-115 and the breakdown of VAT (BG-23)."""
    settlement = etree.fromstring(xml).find(f".//{RAM}ApplicableHeaderTradeSettlement")
    totals = settlement.find(f"{RAM}SpecifiedTradeSettlementHeaderMonetarySummation")
    rates = defaultdict(lambda: (0.0, 0.0))
    for tax in settlement.iterfind(f"{RAM}ApplicableTradeTax"):
        _add(rates, *(float(tax.findtext(f"{RAM}{name}")) for name in (
            "RateApplicablePercent", "BasisAmount", "CalculatedAmount")))
    untaxed, tax, total, due = (float(totals.findtext(f"{RAM}{name}")) for name in (
        "TaxBasisTotalAmount", "TaxTotalAmount", "GrandTotalAmount", "DuePayableAmount"))
    return {"untaxed": untaxed, "tax": tax, "total": total, "due": due, "rates": dict(rates)}


def of_paper(pdf):
    """Read the text of the PDF, in English. Where all lines bear one rate, its base is not printed:
    it is what is untaxed; a paper with nothing paid yet owes its total.
    """
    text = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True,
                          check=True).stdout.decode().replace("\xa0", " ")
    # Of an invoice in another currency, the same again in the company's.
    text = re.split(r"^ *Taxes [A-Z]{3} *$", text, flags=re.M)[0]
    rows = [re.split(" {2,}", line)[-2:] for line in text.splitlines() if "  " in line]
    shown = {label: _money(amount) for label, amount in rows
             if label in ("Untaxed Amount", "Total", "Amount Due")}
    rates = defaultdict(lambda: (0.0, 0.0))
    for label, amount in rows:
        if found := TAX.fullmatch(label):
            base = _money(found[2]) if found[2] else shown["Untaxed Amount"]
            _add(rates, float(found[1]), base, _money(amount))
    return {"untaxed": shown["Untaxed Amount"], "total": shown["Total"],
            "tax": round(sum(tax for _base, tax in rates.values()), 2),
            "due": shown.get("Amount Due", shown["Total"]), "rates": dict(rates)}


def of_books(invoice):
    """Read the posted journal items."""
    sign = -1 if invoice.move_type == "out_invoice" else 1
    rates = defaultdict(lambda: (0.0, 0.0))
    kinds = defaultdict(float)
    for item in invoice.line_ids:
        amount = sign * item.amount_currency
        kinds[item.display_type] += amount
        for tax in item.tax_ids:
            _add(rates, tax.amount, amount, 0.0)
        if item.tax_line_id:
            _add(rates, item.tax_line_id.amount, 0.0, amount)
    receivable = invoice.line_ids.filtered(lambda item: item.display_type == "payment_term")
    return {"untaxed": round(kinds["product"], 2), "tax": round(kinds["tax"], 2),
            "total": round(-kinds["payment_term"], 2),
            "due": round(-sign * sum(receivable.mapped("amount_residual_currency")), 2),
            "rates": dict(rates)}


def _add(rates, rate, base, tax):
    before = rates[rate]
    rates[rate] = round(before[0] + base, 2), round(before[1] + tax, 2)


def _money(text):
    """Read an amount with its symbol on either side."""
    return float(text.strip("$€ ").replace(",", ""))
