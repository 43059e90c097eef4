from . import payment, portal, shop, shop_payment
