from . import paid_value_mixin

# isort: split
from . import account_move, account_move_line, payment_transaction, sale_order, sale_order_line
