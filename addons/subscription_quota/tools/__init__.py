from . import civil, errors, proration
