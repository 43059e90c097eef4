def migrate(cr, version):
    """Make training managers managers of their company: roles have one place."""
    if not version:
        return
    cr.execute("""
        INSERT INTO company_member (partner_id, person_id, is_manager,
                                    create_uid, create_date, write_uid, write_date)
        SELECT DISTINCT person.commercial_partner_id, person.id, true, 1, now(), 1, now()
          FROM credit_wallet_manager_rel AS former
          JOIN credit_wallet AS wallet ON wallet.id = former.wallet_id
          JOIN res_partner AS person ON person.id = former.partner_id
               AND person.commercial_partner_id = wallet.partner_id
         WHERE person.id <> wallet.partner_id
            ON CONFLICT (partner_id, person_id) DO UPDATE SET is_manager = true""")
    cr.execute("DROP TABLE credit_wallet_manager_rel")
