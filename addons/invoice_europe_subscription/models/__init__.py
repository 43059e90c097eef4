from . import (
    res_company,
    sale_order_line,
    subscription_period,
    subscription_plan,
    subscription_subscription,
    subscription_subscription_deferral,
)
