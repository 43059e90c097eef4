from . import (
    ir_module_module,
    mail_template,
    payment_transaction,
)
