from . import (
    account_move,
    account_move_line,
    credit_debt,
    credit_entry,
    credit_validity_mixin,
    product_template,
    sale_order_line,
    subscription_invoice_batch,
    subscription_period,
    subscription_plan,
    subscription_plan_price,
    subscription_subscription,
)
