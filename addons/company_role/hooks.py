def post_init_hook(env):
    """Name a manager of each company that has bought something: who ordered first, as from now on.

    See ``res.partner._appoint_first_manager``.
    """
    env.cr.execute("""
        INSERT INTO company_member (partner_id, person_id, is_manager,
                                    create_uid, create_date, write_uid, write_date)
        SELECT DISTINCT ON (person.commercial_partner_id)
               person.commercial_partner_id, person.id, true, 1, now(), 1, now()
          FROM sale_order AS bought
          JOIN res_partner AS person ON person.id = bought.partner_id
         WHERE bought.state = 'sale' AND person.active AND person.type = 'contact'
               AND person.commercial_partner_id <> person.id
         ORDER BY person.commercial_partner_id, bought.date_order, bought.id
            ON CONFLICT DO NOTHING""")
