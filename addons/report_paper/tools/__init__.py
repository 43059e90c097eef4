from . import pool, raster
from .fetcher import PaperAnswers, PaperFetcher
from .pool import PaperError, PaperTooLong

raster.install()
