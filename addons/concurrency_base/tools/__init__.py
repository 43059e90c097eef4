from .queue import lock_in_order, take_turn
