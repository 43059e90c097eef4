from . import pool
from .fetcher import PaperAnswers, PaperFetcher
from .pool import PaperError, PaperTooLong
