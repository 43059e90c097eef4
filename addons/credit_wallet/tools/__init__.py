from .adjustment_file import read_adjustments
from .queue import lock_in_order, take_turn
from .spreadsheet import csv_chunks, xlsx_chunks
