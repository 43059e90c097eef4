from . import legal_check, legal_invoice_download
