from . import invoice, payment, people, portal, shop, shop_payment
