from . import (
    account_move,
    ir_config_parameter,
    payment_provider,
    payment_token,
    payment_transaction,
    stripe_difference,
    stripe_effect_mixin,
    stripe_event,
    stripe_health,
)
