from odoo.http import request, route

from odoo.addons.session_booking.controllers.portal import TrainingPortal


class LmsPortal(TrainingPortal):

    @route()
    def portal_my_training(self, registration_id, booked=None, **kw):
        """Redirect to the course after booking, when the training says so."""
        if booked:
            registration = self._own_registration(registration_id)
            # sudo: the registration is the user's own; its session may be unpublished since
            url = registration.sudo()._lms_redirect_url(request.env.user.partner_id)
            if url:
                return request.redirect(url, code=303)
        return super().portal_my_training(registration_id, booked=booked, **kw)
