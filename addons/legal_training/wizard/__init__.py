from . import legal_check
