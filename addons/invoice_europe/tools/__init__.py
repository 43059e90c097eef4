from . import months
