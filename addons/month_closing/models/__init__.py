from . import (
    month_closing,
    month_closing_accounts,
    month_closing_deferral,
    month_closing_documents,
    month_closing_return,
    month_closing_vat,
    month_closing_xlsx,
    res_company,
    res_users,
)
