from . import (
    account_move,
    account_move_reversal,
    base,
    ir_default,
    ir_http,
    ir_module_module,
    mail_template,
    payment_transaction,
    res_partner,
)
