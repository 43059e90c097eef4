from .installation import remove_parameters, switch_back, switch_on, withdraw_products
from .queue import claim_in_order, lock_in_order, take_turn
from .text import plain_line, safe_cell
