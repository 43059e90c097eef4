from . import (
    credit_adjust,
    credit_adjust_line,
    credit_adjust_mixin,
    credit_import,
    credit_import_line,
    credit_reverse,
)
