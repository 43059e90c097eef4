from . import export, portal, reconciliation, shop, team
