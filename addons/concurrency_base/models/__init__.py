from . import ir_http, payment_transaction, res_partner
