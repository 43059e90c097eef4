from . import (
    account_move_reversal,
    base_partner_merge,
    credit_adjust,
    credit_adjust_line,
    credit_export,
    credit_import,
    credit_import_line,
    credit_reconciliation,
    credit_reconciliation_line,
    credit_reconciliation_xlsx,
    credit_reverse,
)
