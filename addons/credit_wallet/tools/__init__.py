from .address import own_path
from .adjustment_file import read_adjustments
from .spreadsheet import csv_chunks, xlsx_chunks
