{
    "name": "European Invoices of Bookings",
    "summary": "Vouchers on electronic invoices; an analytic account a training",
    "version": "19.0.1.0.0",
    "category": "Accounting/Localizations",
    "author": "Odoo Credits",
    "license": "LGPL-3",
    "depends": ["invoice_europe", "session_booking"],
    "data": ["views/event_type_views.xml"],
    "auto_install": True,
}
