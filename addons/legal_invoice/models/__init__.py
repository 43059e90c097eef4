from . import (
    account_move,
    account_tax,
    payment_provider,
    res_company,
    res_config_settings,
    res_partner,
    res_partner_bank,
    vies_answer,
)
