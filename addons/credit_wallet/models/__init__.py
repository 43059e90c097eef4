from . import (
    account_move,
    account_move_line,
    credit_entry,
    credit_lot,
    credit_lot_move,
    credit_wallet,
    product_template,
    res_company,
    res_config_settings,
    res_partner,
    sale_order,
    sale_order_line,
)
