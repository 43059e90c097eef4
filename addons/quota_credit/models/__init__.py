from . import account_move, credit_debt, credit_entry, product_template, subscription_subscription
