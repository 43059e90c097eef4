from . import company_member, payment_token, res_partner, res_partner_people, sale_order
