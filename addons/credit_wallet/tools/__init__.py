from .queue import take_turn
