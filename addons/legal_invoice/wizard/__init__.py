from . import base_partner_merge, legal_check, legal_invoice_download
