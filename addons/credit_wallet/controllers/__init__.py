from . import portal, reconciliation, shop
