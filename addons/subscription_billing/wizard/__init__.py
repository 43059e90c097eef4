from . import (
    base_partner_merge,
    subscription_cancel,
    subscription_change_request,
    subscription_dunning_wait,
    subscription_price_change,
    subscription_write_off,
)
