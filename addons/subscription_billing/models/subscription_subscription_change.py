from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..exceptions import PreviewMismatch
from ..tools import civil

NOTHING = {"untaxed": 0.0, "tax": 0.0, "total": 0.0}


class SubscriptionSubscription(models.Model):
    """The part of a subscription that changes: what an upgrade or downgrade costs, then exactly
    that.
    """

    _inherit = "subscription.subscription"

    def _preview_change(self, price=None, quantity=None, timing="now"):
        """Compute the exact amounts of a change; nothing is written.

        :param price: the ``subscription.plan.price`` wished, by default the present one
        :param int quantity: by default the present one
        :param str timing: "now" or "period_end"
        :return: dict of ``date`` (first day at the new price), ``credit``, ``charge`` and
            ``next`` (each untaxed, tax, total), ``due`` now, ``in_favour`` (what of it is paid by
            what is in the customer's favour already), ``next_in_favour`` (what of the next
            invoice will be), and ``next_date``
        :raise UserError: the change is not possible; says why
        """
        self.ensure_one()
        price, quantity = price or self.price_id, quantity or self.quantity
        self._check_change(price, quantity, timing)
        if timing == "period_end" or self.state == "trial":
            terms = self._prepare_terms(price, quantity, self.next_date)
            anchor = (self.anchor_date if price._same_interval(self.price_id)
                      else self.next_date)
            return {"date": self.next_date if timing == "period_end" else self._today(),
                    "start": self.next_date,
                    "commitment_months": self._commitment_after_change(price),
                    "credit": NOTHING, "charge": NOTHING, "due": 0.0, "in_favour": 0.0,
                    "next_in_favour": 0.0,
                    "next": self._whole_period_totals(terms, price, anchor),
                    "next_date": self.next_date}
        return self._preview_now(self._prepare_terms(price, quantity), price)

    def _preview_now(self, terms, price):
        """Preview a change that takes effect at once."""
        today = self._today()
        period = self._period_on(today)
        row = self._prepare_change_row(terms, price, today)
        credit = period._credit_totals(period._credit_if_cut(today)) if period else NOTHING
        charge = self._new_period(row)._charge_totals()
        anchor = today if not price._same_interval(self.price_id) else self.anchor_date
        later = self._prepare_terms(price, terms["quantity"], row["full_end"])
        due = self.currency_id.round(charge["total"] - credit["total"])
        outstanding = self._outstanding_credits()[self]
        in_favour = max(min(outstanding, due), 0.0)
        totals = self._whole_period_totals(later, price, anchor, row["full_end"])
        return {
            "date": today, "start": None, "commitment_months": 0, "credit": credit,
            "charge": charge, "due": due,
            "in_favour": in_favour,
            "next": totals,
            "next_in_favour": self._share_of_credit(
                outstanding - in_favour + max(-due, 0.0), totals["total"]),
            "next_date": row["full_end"],
        }

    def _commitment_after_change(self, price):
        """Return the months the customer will be committed for: a trial commits to nothing, and
        the plan chosen last in it does once it is paid."""
        if self.state != "trial":
            return 0
        return self.commitment_months if price == self.price_id else (
            price.plan_id.commitment_months)

    def _prepare_change_row(self, terms, price, today):
        """Prepare the stretch at the new price: the rest of the period, or a new one for a new
        cycle.
        """
        if price._same_interval(self.price_id):
            period = self._period_on(today)
            full = ((period.full_start, period.full_end) if period
                    else civil.period_of(*self._interval(), today))
        else:
            full = civil.period_of(
                today, price.interval_unit, price.interval_count, today)
        return self._prepare_period_vals("change", full, today, terms)

    def _new_period(self, vals):
        """Make a row in memory, to ask what it would cost.

        sudo: amounts only are shown, to who may see the subscription.
        """
        return self.env["subscription.period"].sudo().new(vals)

    def _whole_period_totals(self, terms, price, anchor, day=None):
        full = civil.period_of(
            anchor, price.interval_unit, price.interval_count, day or self.next_date)
        vals = self._prepare_period_vals("recurring", full, full[0], terms)
        return {**self._new_period(vals)._charge_totals(), "setup_fee": vals["setup_fee"]}

    def _preview_next_invoice(self):
        """Compute what the next invoice will be, planned change included.

        :return: dict of ``date``, ``price``, ``quantity``, untaxed, tax and total, ``setup_fee``
            (what of it is one, in the terms of the price); or None when nothing more is billed
        """
        self.ensure_one()
        if self.state not in self._BILLED_STATES or self._is_over():
            return None
        change = self._planned_change()
        price, quantity = change.price_id or self.price_id, change.quantity or self.quantity
        day = self._next_billed_day()
        terms = self._prepare_terms(price, quantity, day)
        anchor = self.anchor_date if price._same_interval(self.price_id) else day
        return {"date": day, "price": price, "quantity": quantity,
                **self._whole_period_totals(terms, price, anchor, day)}

    # Conditions ---------------------------------------------------------------------------------

    def _planned_change(self):
        self.ensure_one()
        # sudo: the customer's own change
        return self.sudo().change_ids.filtered(lambda change: change.state == "scheduled")

    def _check_change(self, price, quantity, timing):
        """Check that the change can be made.

        :raise UserError: why it cannot, and what to do instead
        """
        self._check_state("trial", "active")
        self._check_not_held()
        if change := self._planned_change():
            raise UserError(self.env._(
                "%(subscription)s already changes to %(price)s on %(date)s. Give that change up "
                "first.", subscription=self.name, price=change.price_id.display_name,
                date=format_date(self.env, change.date)))
        if self.end_date:
            raise UserError(self.env._(
                "%(subscription)s is cancelled and ends on %(date)s. Withdraw the cancellation "
                "first.", subscription=self.name, date=format_date(self.env, self.end_date)))
        if price == self.price_id and quantity == self.quantity:
            raise UserError(self.env._(
                "%(subscription)s already is %(quantity)s × %(price)s.", subscription=self.name,
                quantity=quantity, price=price.display_name))
        self._check_new_price(price)
        if timing == "now":
            self._check_rate()
        self._check_commitment(price, quantity, timing)
        if self.next_date <= self._today():
            raise UserError(self.env._(
                "The period of %(subscription)s that starts on %(date)s is about to be billed. "
                "Try again once it is.", subscription=self.name,
                date=format_date(self.env, self.next_date)))
        if timing == "now" and (period := self._period_on(self._today())):
            self._check_can_cut(period)

    def _check_new_price(self, price):
        if price.currency_id != self.currency_id:
            raise UserError(self.env._(
                "%(subscription)s is in %(currency)s and “%(price)s” is not. Cancel it and "
                "subscribe anew to change the currency.", subscription=self.name,
                currency=self.currency_id.name, price=price.display_name))
        kept = price == self.price_id  # one that is sold no more is kept by who has it
        if price.plan_id.family_id != self.family_id or not (price.active or kept):
            raise UserError(self.env._(
                "“%(price)s” cannot take the place of “%(plan)s”: choose a price on sale of "
                "the same family of plans.", price=price.display_name, plan=self.plan_id.name))

    def _check_commitment(self, price, quantity, timing):
        day = self.next_date if timing == "period_end" else self._today()
        wished = price._per_month(
            self._per_interval(self._prepare_terms(price, quantity, day)))
        present = self.price_id._per_month(self._per_interval(self._prepare_terms()))
        if wished < present and self.commitment_end and self.commitment_end > day:
            raise UserError(self.env._(
                "%(subscription)s is committed until %(date)s: until then it can only be "
                "upgraded.", subscription=self.name,
                date=format_date(self.env, self.commitment_end)))

    # Execution ----------------------------------------------------------------------------------

    def _change(self, price=None, quantity=None, timing="now", expected_due=None):
        """Change the plan, the cycle or the quantity, for exactly the amounts of the preview.

        :param float expected_due: what the customer was shown, when they were
        :return: the ``subscription.change``
        :raise PreviewMismatch: the amount shown is no longer the right one
        :raise UserError: see :meth:`_preview_change`
        """
        self.ensure_one()
        price, quantity = price or self.price_id, quantity or self.quantity
        preview = self._preview_change(price, quantity, timing)
        if expected_due is not None and self.currency_id.compare_amounts(
                expected_due, preview["due"]):
            raise PreviewMismatch(self.env._(
                "The amount has changed since it was shown. Look at it again, then confirm."))
        # sudo: changes are recorded by the engine only
        changes = self.env["subscription.change"].sudo()
        changes.flush_model(["state"])  # the row is inserted at once, and only one is planned
        change = changes.create(self._prepare_change_vals(price, quantity, timing, preview))
        if price != self.price_id and price.next_date:
            self._note_announced_price(price)
        if timing == "period_end":
            self._log_events("schedule", note=price.display_name)
        elif self.state == "trial":
            change._apply()
        else:
            self._execute_now(change, preview)
        change._send_confirmation()
        return change

    def _prepare_change_vals(self, price, quantity, timing, preview):
        """Prepare the values of the change to record."""
        day = None if preview["charge"]["total"] else self.next_date
        return {
            "subscription_id": self.id, "timing": timing, "date": preview["date"],
            "state": "scheduled" if timing == "period_end" else "done",
            "from_price_id": self.price_id.id, "price_id": price.id,
            "unit_price": self._prepare_terms(price, quantity, day)["unit_price"],
            "lasting_terms": self._lasting_terms(price),
            "from_lasting_terms": self._lasting_terms(self.price_id),
            "upgrade_policy": price.sudo().plan_id.upgrade_policy,  # sudo: on offer, hence public
            "agreed_on": self._today(), "from_quantity": self.quantity, "quantity": quantity,
            "credit_total": preview["credit"]["total"],
            "charge_total": preview["charge"]["total"],
        }

    def _execute_now(self, change, preview):
        """Credit the rest of the period, charge it at the new price, let one pay the other."""
        today = self._today()
        terms = self._prepare_terms(change.price_id, change.quantity)
        row = self._prepare_change_row(terms, change.price_id, today)
        change.write({
            "cut_period_id": self._period_on(today).id, "from_unit_price": self.unit_price,
            "from_anchor_date": self.anchor_date})
        credit_note = self._cut_short(today)
        before = self._standing()
        if change.price_id != self.price_id:
            terms["agreed_on"] = today
        if not change.price_id._same_interval(self.price_id):
            terms["anchor_date"] = today
        self.write({**terms, **change.lasting_terms, "next_date": row["full_end"]})
        invoice = self._create_periods([row])._invoice()
        self._settle_by_credit_notes(credit_note + invoice)
        self._check_documents(preview, credit_note, invoice)
        change.write({"credit_note_id": credit_note.id, "invoice_id": invoice.id})
        self._log_events("change", before, change.price_id.display_name)
        if (change.upgrade_policy == "wait" and invoice.amount_residual
                and self.currency_id.compare_amounts(preview["due"], 0) > 0):
            self._serve_former_plan(change)

    def _serve_former_plan(self, change):
        """Serve the customer as before a change, until its invoice is paid."""
        if not self.served_plan_id:  # of two changes that wait, the older one knows
            self.write({"served_plan_id": change.from_price_id.plan_id.id,
                        "served_quantity": change.from_quantity})

    def _serve_paid_changes(self):
        """Serve what the customers have subscribed to, where no change waits for its money."""
        waiting = self.filtered("served_plan_id")
        if waiting:
            # sudo: the engine's own rows
            unpaid = self.env["subscription.change"].sudo().search([
                ("subscription_id", "in", waiting.ids), ("state", "=", "done"),
                ("invoice_id.payment_state", "in", ("not_paid", "partial"))]).subscription_id
            (waiting - unpaid).write({"served_plan_id": False, "served_quantity": 0})

    def _check_documents(self, preview, credit_note, invoice):
        """Check that the documents carry the amounts that were shown; otherwise nothing happens.

        :raise PreviewMismatch: they do not
        """
        for move, shown in ((credit_note, preview["credit"]), (invoice, preview["charge"])):
            if self.currency_id.compare_amounts(move.amount_total, shown["total"]):
                raise PreviewMismatch(self.env._(
                    "%(subscription)s: a document of %(total)s would differ from the "
                    "%(shown)s announced. Nothing was changed; tell your administrator.",
                    subscription=self.name, total=move.amount_total, shown=shown["total"]))

    def _drop_planned_change(self):
        """Give up a change that has not taken effect."""
        for subscription in self:
            if change := subscription._planned_change():
                change.state = "cancelled"
                subscription._log_events("unschedule", note=change.price_id.display_name)

    def _apply_planned_changes(self):
        """Apply planned changes as the periods that bear them are billed."""
        changes = self.env["subscription.change"].sudo().search(
            [("subscription_id", "in", self.ids), ("state", "=", "scheduled")])
        # sudo: the engine's own rows
        changes.filtered(
            lambda change: change.date <= change.subscription_id.next_date)._apply()
