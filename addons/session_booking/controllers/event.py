from odoo.http import request, route

from odoo.addons.website_event.controllers.main import WebsiteEventController


class TrainingEventController(WebsiteEventController):
    """Odoo's own registration routes do not know credits: trainings leave them."""

    @route()
    def registration_confirm(self, event, **post):
        if event.is_training:
            return request.redirect(f"/trainings/{event.id}?credits=1", code=303)
        return super().registration_confirm(event, **post)

    @route()
    def registration_new(self, event, **post):
        if event.is_training:
            return False
        return super().registration_new(event, **post)
