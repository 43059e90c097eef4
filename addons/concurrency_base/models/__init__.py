from . import (
    account_move,
    base,
    ir_default,
    ir_http,
    ir_module_module,
    mail_template,
    payment_transaction,
    res_partner,
)
