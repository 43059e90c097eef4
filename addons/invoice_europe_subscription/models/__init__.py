from . import (
    res_company,
    sale_order_line,
    subscription_billing_mixin,
    subscription_document_mixin,
    subscription_plan,
    subscription_subscription_deferral,
)
