from .address import own_path
from .adjustment_file import column_names, read_adjustments
from .spreadsheet import csv_chunks, xlsx_chunks
