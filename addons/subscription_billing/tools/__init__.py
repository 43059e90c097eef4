from . import civil, proration
