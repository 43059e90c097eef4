from .queue import claim_in_order, lock_in_order, take_turn
