{
    "name": "Paid Value of a Sale's Lines",
    "summary": "What a customer really pays for each line of an order or an invoice, and what "
    "a payment provider takes back",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["sale"],
}
