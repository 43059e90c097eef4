from . import test_fetcher, test_paper
