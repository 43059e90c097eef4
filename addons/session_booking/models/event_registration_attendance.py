from odoo import fields, models
from odoo.exceptions import UserError

from odoo.addons.concurrency_base.tools import as_engine, is_engine


class EventRegistration(models.Model):
    """The part of seats for attendance, and for the credits of those who did not come."""

    _inherit = "event.registration"

    attendance_ids = fields.One2many(
        "session.attendance", "registration_id", string="Half-days")
    attendance = fields.Selection(
        [("present", "Present"), ("absent", "Absent")], readonly=True, engine=True, copy=False,
        help="What was noted when the attendance of the session was closed.")
    absence_entry_id = fields.Many2one(
        "credit.entry", string="Credits returned for absence", readonly=True, engine=True,
        copy=False, ondelete="restrict", index="btree_not_null")

    # Marks --------------------------------------------------------------------------------

    def _is_marked(self):
        """Tell whether the state of the seats is being set from what was noted."""
        return is_engine(self.env) and self.env.context.get("attendance_marked")

    def _check_attendance_open(self, vals):
        """Refuse to change who attended once the attendance of the session is closed.

        :raise UserError: naming the session
        """
        if vals.get("state") not in ("open", "done") or self._is_marked():
            return
        for seat in self:
            if (seat.event_id.attendance_closed_on and seat._takes_a_seat()
                    and seat.state != vals["state"]):
                raise UserError(self.env._(
                    "The attendance of “%(session)s” is closed. Use “Correct the attendance” on "
                    "the session first.", session=seat.event_id.display_name))

    def _mark_attended(self, state):
        """Note the half-days of seats whose state was changed by hand or by their barcode.

        On a day of the session it is the half-day going on, later all of them. Whoever was noted
        absent and then comes is present.

        :param str state: of the seat, ``done`` or ``open``
        """
        if self._is_marked():
            return
        seats = self.filtered(lambda seat: seat.event_id.is_training and seat._takes_a_seat())
        if state == "done":
            for seat in seats:
                seat._mark_now_attended()
            return
        marked = seats.attendance_ids.filtered(lambda row: row.state == "present")
        if marked:
            # sudo: follows from the state of the seat, which the user may write
            marked.sudo().action_expected()

    def _mark_now_attended(self):
        moment = self.event_id._half_day_now()
        if not moment and self.event_id.date_end > fields.Datetime.now():
            return  # said ahead of the session: its half-days are noted then
        self.env["session.attendance"]._open(self.event_id, checked_in=self)
        rows = self.attendance_ids.filtered(lambda row: row.state != "present" and (
            not moment or (row.day, row.half) == moment))
        if rows:
            # sudo: as in _mark_attended
            rows.sudo().action_present()

    def _forget_attendance(self):
        """Let seats that move to another session leave the half-days of theirs behind.

        :raise UserError: they are noted already
        """
        # sudo: the rows follow from the seats
        rows = self.sudo().attendance_ids
        noted = rows.filtered(lambda row: row.state != "expected").registration_id | self.filtered(
            lambda seat: seat.attendance or seat.event_id.attendance_closed_on)
        if noted:
            raise UserError(self.env._(
                "The attendance of %(names)s is already noted. Take back what was noted before "
                "you move the booking to another session.",
                names=", ".join(noted.mapped("display_name"))))
        rows.unlink()

    # Absence ------------------------------------------------------------------------------

    def _owed_for_absence(self):
        """Return the seats among these whose credits go back because nobody came."""
        return self.sudo().filtered(  # sudo: reads what was paid, shows nothing
            lambda seat: seat.event_id.no_show_policy == "return" and seat.credit_entry_id
            and not seat.refund_entry_id and not seat.absence_entry_id).with_env(self.env)

    def _absence_line(self, is_owed):
        """Describe what an absence gives back, as :meth:`_cancel_line` does.

        :param bool is_owed: whether the credits go back now
        """
        self.ensure_one()
        seat = self.sudo()  # sudo: whose wallet, for staff who may not read the ledger
        entry = seat.credit_entry_id
        line = {"name": self.name or self.display_name, "mail": self.email or "", "owner": ""}
        if is_owed:
            line["owner"] = entry.wallet_id.partner_id.display_name
            return {**line, "back": entry._returned_label()}
        if seat.absence_entry_id:
            return {**line, "back": self.env._("Nothing: the credits are already back")}
        if entry:
            return {**line, "back": self.env._(
                "Nothing: %(credits)s kept", credits=seat._cost_label())}
        return {**line, "back": self.env._(
            "Nothing: %(payment)s", payment=seat._payment_text())}

    def _taken_again_line(self):
        """Describe what correcting an absence takes again, as :meth:`_cancel_line` does."""
        self.ensure_one()
        seat = self.sudo()  # sudo: as above
        back = self.env._("%(credits)s taken again", credits=seat._cost_label())
        if not seat._may_take_again():
            back = self.env._(
                "Nothing is taken: the credits that came back are spent or expired")
        return {"name": self.name or self.display_name, "mail": self.email or "", "back": back,
                "owner": seat.credit_entry_id.wallet_id.partner_id.display_name}

    def _may_take_again(self):
        """Tell whether the very credits that came back for the absence are still there."""
        self.ensure_one()
        return not any(
            move.lot_id.remaining < move.credits or move.lot_id._is_expired()
            for move in self.absence_entry_id.lot_move_ids)

    def _return_for_absence(self):
        """Give the credits of absent attendees back to their lots, as they are; once a seat."""
        # sudo: the ledger follows from the attendance
        for seat in self.sudo().sorted(lambda seat: (seat.credit_entry_id.wallet_id.id, seat.id)):
            entry = seat.credit_entry_id._reverse(
                f"absence:{seat.credit_entry_id.id}", kind="refund", post=False,
                origin=self.env._("Absent: %(session)s", session=seat.event_id._dated_name()))
            seat.absence_entry_id = entry
            entry._post_reversal()

    def _take_after_absence(self):
        """Take the credits again that came back for an absence noted by mistake.

        Only the very credits that came back are taken. Where they were spent or have expired
        since, nothing is taken, and the seat says so to staff.

        :return: the seats whose credits could not be taken
        """
        failed = self.browse()
        for seat in self.sudo():  # sudo: the ledger follows from the attendance
            try:
                with self.env.cr.savepoint():
                    seat._take_credits_again()
            except UserError:
                failed |= seat.sudo(False)
                seat.message_post(body=self.env._(
                    "The absence was corrected, and the credits that had come back for it are "
                    "spent or expired: none was taken again. Agree with the customer, and take "
                    "credits by hand if need be."))
        return failed

    def _take_credits_again(self):
        back, paid = self.absence_entry_id, self.credit_entry_id
        if not self._may_take_again():
            raise UserError(self.env._("These credits are spent or have expired."))
        entry = paid._take_again(
            f"booking:attended:{back.id}", origin=self.event_id._booking_origin())
        self.write({"credit_entry_id": entry.id, "absence_entry_id": False})
        self._invoice_booking()

    def _note_attendance(self, outcome):
        """Keep what was noted; return the seats for which it changed.

        :param dict outcome: "present" or "absent" by seat
        """
        changed = self.browse()
        for seat, noted in outcome.items():
            if seat.attendance != noted:
                as_engine(seat).attendance = noted
                changed |= seat
        return changed

    def _absence_label(self):
        """Describe the credits that came back for an absence, or return an empty text."""
        self.ensure_one()
        entry = self.sudo().absence_entry_id  # sudo: the registrant's own
        return entry._validity_label() if entry else ""
