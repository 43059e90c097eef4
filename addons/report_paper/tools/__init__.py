from . import weasy
from .fetcher import PaperFetcher
