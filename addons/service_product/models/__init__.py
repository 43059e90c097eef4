from . import (
    account_chart_template,
    account_move,
    account_tax,
    product_product,
    product_template,
    res_company,
)
