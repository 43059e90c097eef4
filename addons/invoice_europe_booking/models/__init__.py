from . import (
    account_move,
    credit_entry,
    event_registration,
    event_type,
    res_company,
)
