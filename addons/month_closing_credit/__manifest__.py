{
    "name": "Closing of the Month: Credits",
    "summary": "Credits owed (487), wallets and their ledger on the page of the month",
    "version": "19.0.1.0.0",
    "category": "Accounting/Accounting",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["credit_wallet", "month_closing"],
    "auto_install": True,
}
