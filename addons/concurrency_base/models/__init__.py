from . import account_move_reversal, base, ir_default, payment_transaction
