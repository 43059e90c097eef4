from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal


class AddressPortal(CustomerPortal):

    def _validate_address_values(self, address_values, *args, **kwargs):
        """Say beside the form what is too long; see ``res.partner``."""
        invalid, missing, messages = super()._validate_address_values(
            address_values, *args, **kwargs)
        for name, message in request.env["res.partner"]._too_long(address_values):
            invalid.add(name)
            messages.append(message)
        return invalid, missing, messages
