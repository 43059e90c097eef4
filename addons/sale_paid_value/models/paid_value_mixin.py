from collections import Counter

from odoo import models

from ..tools import take_off


class PaidValueMixin(models.AbstractModel):
    """A line of a sale, and the price that the customer really pays for it.

    Apart from the percentage on the line itself, Odoo writes discounts as lines of their own with
    an amount below zero: those of the "Discount" wizard on the whole order, and the rewards of
    promotions. Here they are shared among the lines they lower.
    """

    _name = "paid.value.mixin"
    _description = "Line of a Sale with the Value Paid for It"

    def _paid_values(self, measure="price_subtotal"):
        """Compute the price that the customer pays for each of these lines, after all discounts.

        The values of all lines of a document add up to its total, to the smallest unit of the
        currency. A discount is worth zero itself, as other lines bear it.

        :param str measure: the field to measure with: ``price_subtotal`` (untaxed) or
            ``price_total`` (taxes included) in the currency of the document; on an invoice also
            ``balance`` (untaxed, company currency), which is above zero for what is sold, on a
            credit note too
        :return: dict of line to float
        """
        values = {}
        for lines in self._documents_lines():
            values.update({line: line._paid_amount(measure) for line in lines})
            for discount, shares in lines._share_discounts(measure).items():
                for line, share in shares.items():
                    values[line] -= share
                    values[discount] += share
        return {
            line: line._paid_currency(measure).round(values.get(line, 0.0)) for line in self}

    def _share_discounts(self, measure="price_subtotal"):
        """Compute the share of each discount that each line bears.

        :param str measure: see :meth:`_paid_values`
        :return: dict of discount line to a dict of line to float, above zero, for the documents
            of these lines
        """
        shares = {}
        for lines in self._documents_lines():
            shares.update(lines._share_own_discounts(measure))
        return shares

    def _share_own_discounts(self, measure):
        """Share the discounts of one document; `self` are all its lines.

        See :meth:`_share_discounts`.
        """
        discounts = self.filtered(lambda line: line._lowers_other_lines())
        if not discounts:
            return {}
        unit = self._paid_currency(measure).rounding
        left = {
            line: round(line._paid_amount(measure) / unit) for line in self - discounts
            if line._paid_amount(measure) > 0 and not line.is_downpayment}
        lowered = {discount: discount._discounted_lines(self) for discount in discounts}
        shares = {}
        # Those of few lines come before those of many, which then apply to what is left.
        for discount in discounts.sorted(lambda each: (len(lowered[each][0]), each.id)):
            amount = round(-discount._paid_amount(measure) / unit)
            taken = Counter()
            for lines in lowered[discount]:
                taken.update(take_off(left, lines, amount - taken.total()))
            shares[discount] = {line: share * unit for line, share in taken.items()}
        return shares

    def _lowers_other_lines(self):
        """Tell whether the line is a discount on other lines of its document.

        Extension point: by default, a line is a discount when its amount is below zero for a
        quantity above zero. A quantity below zero is a return of goods, and a down payment is a
        payment.
        """
        self.ensure_one()
        return (self.price_subtotal < 0 < self._paid_quantity() and not self.is_downpayment)

    def _discounted_lines(self, lines):
        """Return the lines that this discount lowers.

        Extension point: by default, these are the lines with the same taxes, because Odoo makes
        one discount for each set of taxes; all other lines bear only the excess.

        :param lines: all lines of the document
        :return: list of recordsets, in the order in which they bear the discount
        """
        self.ensure_one()
        return [lines.filtered(lambda line: line.tax_ids == self.tax_ids), lines]

    # What differs between orders and invoices -----------------------------------------------

    def _documents_lines(self):
        """Return the lines of the documents of these lines, without sections and notes.

        :return: list of recordsets, one for each document
        """
        raise NotImplementedError

    def _paid_quantity(self):
        """Return the quantity of the line, as stated on the document."""
        raise NotImplementedError

    def _paid_amount(self, measure):
        """Return the amount of the line before shared discounts; see :meth:`_paid_values`."""
        return self[measure]

    def _paid_currency(self, measure):
        """Return the ``res.currency`` of the measure."""
        return self.currency_id
