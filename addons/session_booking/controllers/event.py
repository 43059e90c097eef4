from odoo.http import request, route

from odoo.addons.website_event.controllers.main import WebsiteEventController


class TrainingEventController(WebsiteEventController):
    """Odoo's registration routes, which do not know credits: trainings do not use them."""

    @route()
    def registration_confirm(self, event, **post):
        """Redirect trainings to their own page, where credits pay."""
        if event.is_training:
            return request.redirect(f"/trainings/{event.id}?credits=1", code=303)
        return super().registration_confirm(event, **post)

    @route()
    def registration_new(self, event, **post):
        """Return no registration form for trainings."""
        if event.is_training:
            return False
        return super().registration_new(event, **post)
