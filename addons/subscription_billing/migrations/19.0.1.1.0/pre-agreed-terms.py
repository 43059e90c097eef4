def migrate(cr, version):
    """Keep on running subscriptions and changes what was read from their plan until now."""
    if not version:
        return
    cr.execute("""
        ALTER TABLE subscription_subscription
            ADD COLUMN IF NOT EXISTS cancel_policy varchar,
            ADD COLUMN IF NOT EXISTS trial_needs_card boolean,
            ADD COLUMN IF NOT EXISTS payment_term_id integer;
        UPDATE subscription_subscription s SET cancel_policy = plan.cancel_policy,
            trial_needs_card = plan.trial_needs_card, payment_term_id = plan.payment_term_id
            FROM subscription_plan plan WHERE plan.id = s.plan_id AND s.cancel_policy IS NULL;
        ALTER TABLE subscription_change ADD COLUMN IF NOT EXISTS upgrade_policy varchar;
        UPDATE subscription_change change SET upgrade_policy = plan.upgrade_policy
            FROM subscription_plan_price price
            JOIN subscription_plan plan ON plan.id = price.plan_id
            WHERE price.id = change.price_id AND change.upgrade_policy IS NULL""")
