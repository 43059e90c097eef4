from .engine import as_engine, is_engine
from .installation import remove_parameters, switch_back, switch_on, withdraw_products
from .isolation import (
    again_after_conflict,
    find_staff,
    reason_of,
    tell_once,
    work_isolated,
    work_through,
)
from .queue import claim_in_order, lock_in_order, take_turn
from .text import plain_line, safe_cell
