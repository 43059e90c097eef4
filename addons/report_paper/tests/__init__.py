from . import test_barcode, test_fetcher, test_paper
