def migrate(cr, version):
    """Keep on running subscriptions and periods the credits that were read from their plan."""
    if not version:
        return
    cr.execute("""
        ALTER TABLE subscription_subscription
            ADD COLUMN IF NOT EXISTS granted_credits integer,
            ADD COLUMN IF NOT EXISTS trial_credits integer,
            ADD COLUMN IF NOT EXISTS credit_rollover boolean,
            ADD COLUMN IF NOT EXISTS credit_validity_months integer;
        UPDATE subscription_subscription s SET granted_credits = price.granted_credits,
            trial_credits = plan.trial_credits, credit_rollover = plan.credit_rollover,
            credit_validity_months = product.credit_validity_months
            FROM subscription_plan_price price
            JOIN subscription_plan plan ON plan.id = price.plan_id
            JOIN product_template product ON product.id = plan.product_tmpl_id
            WHERE price.id = s.price_id AND s.granted_credits IS NULL;
        ALTER TABLE subscription_period
            ADD COLUMN IF NOT EXISTS credit_rollover boolean,
            ADD COLUMN IF NOT EXISTS credit_validity_months integer;
        UPDATE subscription_period p SET credit_rollover = plan.credit_rollover,
            credit_validity_months = product.credit_validity_months
            FROM subscription_plan plan
            JOIN product_template product ON product.id = plan.product_tmpl_id
            WHERE plan.id = p.plan_id AND p.credit_rollover IS NULL""")
