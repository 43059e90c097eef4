import math

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from odoo.addons.company_role.controllers.portal import refuse_unless
from odoo.addons.portal.controllers.portal import CustomerPortal

from .invoice import take_refusal

NEVER_DUE = -1e12


class SubscriptionPortal(CustomerPortal):
    """« Mon compte › Abonnements »: what the customer has, and what they may change."""

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        if "subscription_count" in counters:
            values["subscription_count"] = len(self._my_subscriptions())
        return values

    def _my_subscriptions(self):
        """Find the subscriptions the user may see by the record rules, except drafts."""
        subscriptions = request.env["subscription.subscription"]
        if not subscriptions.has_access("read"):
            return subscriptions
        return subscriptions.search(
            [("commercial_partner_id", "=", request.env.user.commercial_partner_id.id),
             ("state", "!=", "draft")])

    def _find_own(self, subscription_id, right="bill"):
        """Find a subscription of the user's.

        :param str right: what the user needs to do with it; None: only to see it
        :raise NotFound: it is another customer's, or does not exist
        :raise HTTPException: it is the user's company's, and for others to act on
        """
        mine = self._my_subscriptions().filtered(
            lambda subscription: subscription.id == subscription_id)
        if right or not mine:
            self._refuse_unless_of_user([("id", "=", subscription_id)])
        if not mine:
            raise request.not_found()
        # sudo: it is the user's own; the methods called check what may be done with it
        return mine.sudo()

    def _refuse_unless_of_user(self, domain):
        """Answer with who may act, where the user's company has such a subscription and the user
        does not pay its bills.
        """
        company = request.env.user.commercial_partner_id
        # sudo: whether there is one
        if request.env["subscription.subscription"].sudo().search_count(
                [*domain, ("commercial_partner_id", "=", company.id), ("state", "!=", "draft")],
                limit=1):
            refuse_unless("bill", company)

    @http.route("/my/subscriptions", type="http", auth="user", website=True)
    def portal_my_subscriptions(self, **kw):
        """List the subscriptions of the customer."""
        mine = self._my_subscriptions().sudo()  # sudo: see _find_own
        if not mine:
            self._refuse_unless_of_user([])
        values = self._prepare_portal_layout_values()
        values.update({"page_name": "subscriptions", "subscriptions": mine})
        return request.render("subscription_billing.portal_my_subscriptions", values)

    @http.route("/my/subscriptions/<int:subscription_id>", type="http", auth="user",
                website=True)
    def portal_my_subscription(self, subscription_id, **kw):
        """Show one subscription: state, next invoice, invoices, and what may be changed.

        Who only develops sees the plan and what is used of it.
        """
        subscription = self._find_own(subscription_id, right=None)
        if refusal := take_refusal(subscription.period_ids.invoice_id):
            request.session["subscription_error"] = refusal
        subscription._use_outstanding_credits()
        due = sum(subscription._invoices_to_pay().mapped("amount_residual"))
        return self._render_page(
            "subscription_billing.portal_my_subscription", subscription, total_due=due,
            can_save=due and subscription.state != "ended"
            and self._providers_that_save(subscription, due))

    def _render_page(self, template, subscription, **more):
        values = self._prepare_portal_layout_values()
        values.update({
            "page_name": "subscription", "subscription": subscription,
            "subscription_error": request.session.pop("subscription_error", None),
            "prices": subscription._prices_to_change_to(),
            "tokens": subscription._usable_tokens(),
            **self._rights_values(subscription.commercial_partner_id), **more})
        return request.render(template, values)

    def _rights_values(self, customer):
        """Extension point: tell the page what the user may do with what is the customer's."""
        person = request.env.user.partner_id
        return {
            "may_bill": person._may("bill", customer),
            "bill_refusal": person._refusal("bill", customer)}

    def _providers_that_save(self, subscription, amount, report=None):
        """Find the payment providers with which the customer can save a card for the renewals.

        sudo: customers may not read providers; what they are offered follows from them.
        """
        return request.env["payment.provider"].sudo()._get_compatible_providers(
            subscription.company_id.id, request.env.user.partner_id.id, amount,
            currency_id=subscription.currency_id.id, force_tokenization=True, report=report)

    @http.route("/my/subscriptions/<int:subscription_id>/change", type="http", auth="user",
                methods=["GET"], website=True)
    def portal_preview_change(self, subscription_id, price="", quantity="", timing="now", **kw):
        """Show the exact amounts of a change, before it is confirmed."""
        subscription = self._find_own(subscription_id)
        price, quantity = self._read_terms(subscription, price, quantity)
        try:
            preview = subscription._preview_change(price, quantity, self._read_timing(timing))
        except UserError as error:
            return self._go_back(subscription, str(error))
        return self._render_page(
            "subscription_billing.portal_preview_change", subscription, price=price,
            quantity=quantity, timing=self._read_timing(timing), preview=preview)

    @http.route("/my/subscriptions/<int:subscription_id>/change", type="http", auth="user",
                methods=["POST"], website=True)
    def portal_change(self, subscription_id, price="", quantity="", timing="now", due="", **kw):
        """Carry out a change for the amount shown, or say why not."""
        subscription = self._find_own(subscription_id)
        price, quantity = self._read_terms(subscription, price, quantity)
        return self._act_and_return(subscription, lambda: subscription._change(
            price, quantity, self._read_timing(timing), expected_due=_read_amount(due)))

    @http.route("/my/subscriptions/<int:subscription_id>/<any(cancel,keep,resume,drop):what>",
                type="http", auth="user", methods=["POST"], website=True)
    def portal_act(self, subscription_id, what, **kw):
        """Cancel at the end of the period, withdraw that, resume, give up a planned change."""
        subscription = self._find_own(subscription_id)
        return self._act_and_return(subscription, {
            "cancel": subscription._cancel, "keep": subscription._withdraw_cancellation,
            "resume": subscription._resume, "drop": subscription._drop_planned_change}[what])

    @http.route("/my/subscriptions/<int:subscription_id>/token", type="http", auth="user",
                methods=["POST"], website=True)
    def portal_set_token(self, subscription_id, token="", **kw):
        """Choose which saved means of payment is charged, or pay each invoice by oneself."""
        subscription = self._find_own(subscription_id)
        chosen = subscription._usable_tokens().filtered(
            lambda each: each.id == _read_whole(token))
        return self._act_and_return(
            subscription, lambda: subscription.write({"token_id": chosen.id}))

    def _read_terms(self, subscription, price, quantity):
        """Read the price, among those the customer may change to, and the quantity asked for."""
        chosen = subscription._prices_to_change_to().filtered(
            lambda each: each.id == _read_whole(price))
        return chosen or subscription.price_id, _read_whole(quantity) or subscription.quantity

    def _read_timing(self, timing):
        return timing if timing in ("now", "period_end") else "now"

    def _act_and_return(self, subscription, action):
        """Carry out an action, then go back to the subscription with the result.

        When it is refused, or the charge of what it has just invoiced is, the reason is shown at
        once: the customer waits for neither mail nor scheduled action.
        """
        try:
            with request.env.cr.savepoint():
                action()
        except UserError as refused:
            return self._go_back(subscription, str(refused))
        return self._go_back(subscription, subscription.period_ids._charge_at_once())

    def _go_back(self, subscription, error=None):
        if error:
            request.session["subscription_error"] = error
        return request.redirect(f"/my/subscriptions/{subscription.id}", code=303)


def _read_whole(text):
    """Read the number in a form field; 0 when it is none."""
    text = str(text).strip()
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _read_amount(text):
    """Read the amount shown to the customer; an amount that is never due when it is no number."""
    try:
        amount = float(text)
    except ValueError:
        return NEVER_DUE
    return amount if math.isfinite(amount) else NEVER_DUE
