from . import invoice, payment, portal, shop, shop_payment
