from odoo import api, models
from odoo.fields import Command

# What invoices of one kind do not share: who is invoiced, and what the lines say.
OWN = ("partner_id", "invoice_origin", "invoice_user_id", "invoice_line_ids")
OWN_OF_LINE = ("name", "subscription_period_id")
# Follow from the other values of the line, so the copy has them already.
DERIVED = ("price_subtotal", "price_total")
LEFT_OUT = (*models.MAGIC_COLUMNS, "move_id", "debit", "credit", "no_followup")


class SubscriptionInvoiceBatch(models.AbstractModel):
    """Creation of many invoices that differ only in their customer and their texts.

    Tax, due date, discount and rounding lines are the same for every customer of one price, fiscal
    position and payment term. The first invoice of each kind is made by Odoo's own rules; the
    others are created with all their lines, copied from it: nothing is left to compute for them,
    and nothing is computed in another way.
    """

    _name = "subscription.invoice.batch"
    _description = "Invoices That Are Alike"

    @api.model
    def _create_invoices(self, moves, vals_list):
        """Create the drafts.

        :param moves: ``account.move`` to create with: its environment
        :param vals_list: with ``partner_id``, ``company_id`` and ``invoice_line_ids``, each of
            these created
        :return: the drafts, in the order of their values
        """
        kinds = {}
        by_customer = self._analytic_by_customer()
        for index, vals in enumerate(vals_list):
            kind = vals["partner_id"] if by_customer else None
            kinds.setdefault((kind, self._likeness(moves, vals)), []).append(index)
        firsts = moves.create([vals_list[indexes[0]] for indexes in kinds.values()])
        made, alike = {}, {}
        for first, indexes in zip(firsts, kinds.values(), strict=True):
            made[indexes[0]] = first.id
            others = [vals_list[index] for index in indexes[1:]]
            alike.update(zip(indexes[1:], self._complete_values(first, others), strict=True))
        # Odoo's synchronisation has nothing to add to lines that are all there.
        complete = moves.with_context(skip_invoice_sync=True, skip_invoice_line_sync=True)
        made.update(zip(alike, complete.create(list(alike.values())).ids, strict=True))
        return moves.browse(made[index] for index in range(len(vals_list)))

    @api.model
    def _post_invoices(self, moves):
        """Post drafts all at once; the form of their numbers is looked up once for each date."""
        if moves:
            moves.with_context(subscription_number_formats={})._post(soft=False)

    def _analytic_by_customer(self):
        """Tell whether analytic accounts may depend on the customer: then no two invoices are
        alike.
        """
        # sudo: whether there are any is all that is asked
        return bool(self.env["account.analytic.distribution.model"].sudo().search_count(
            ["|", ("partner_id", "!=", False), ("partner_category_id", "!=", False)], limit=1))

    def _likeness(self, moves, vals):
        """Extension point: return what invoices that are alike have in common, as a hashable
        value.

        A module that makes the lines of an invoice depend on something else of its customer adds
        it.
        """
        partner = moves.env["res.partner"].with_company(vals["company_id"]).browse(
            vals["partner_id"])
        owner = partner.commercial_partner_id
        return repr((
            {name: value for name, value in vals.items() if name not in OWN},
            [{name: value for name, value in line.items() if name not in OWN_OF_LINE}
             for _command, _id, line in vals["invoice_line_ids"]],
            owner.property_account_receivable_id.id, owner.lang, partner.lang,
            partner.property_payment_term_id.id))

    def _complete_values(self, first, vals_list):
        """Complete the values of invoices of the kind of `first` with all their lines.

        :return: list of dicts for ``create``
        """
        copied = [self._copy_line(line) for line in first.line_ids.sorted("id")] \
            if vals_list else []
        result = []
        for vals in vals_list:
            partner = first.env["res.partner"].browse(vals["partner_id"])
            lines = [{**line, "partner_id": partner.commercial_partner_id.id} for line in copied]
            for line, (_command, _id, own) in zip(lines, vals["invoice_line_ids"], strict=False):
                line.update({name: own[name] for name in OWN_OF_LINE if name in own})
            result.append({
                **{name: value for name, value in vals.items() if name != "invoice_line_ids"},
                "invoice_date_due": first.invoice_date_due,
                "line_ids": [Command.create(line) for line in lines],
            })
        return result

    def _copy_line(self, line):
        """Prepare a line like this one: all it has of its own.

        What follows from its invoice (number, state) or from payments, and what Odoo quickly
        computes from these values, is left out.
        """
        values = {}
        for name, field in line._fields.items():
            if not field.store or field.related or field.type == "one2many" or name in LEFT_OUT:
                continue
            if field.compute and field.readonly and name not in DERIVED:
                continue
            value = field.convert_to_write(line[name], line)
            if value or field.compute or field.default:
                values[name] = value
        return values
