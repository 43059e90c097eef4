{
    "name": "Paid Value of a Sale's Lines: Promotions",
    "summary": "Promotions lower the lines they are about; gift cards and eWallets are payments",
    "version": "19.0.1.0.0",
    "category": "Technical",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["sale_paid_value", "sale_loyalty"],
    "auto_install": True,
}
