from .adjustment_file import read_adjustments
from .queue import take_turn
