import ipaddress
import math

from odoo import api, fields, models, sql_db
from odoo.tools.misc import hmac

# Attempts and minutes, unless the settings say otherwise; see res.config.settings.
DEFAULTS = {
    "login_address": 10, "login_ip": 100, "login_minutes": 15,
    "mail_address": 3, "mail_ip": 60, "mail_minutes": 60}
KEPT_DAYS = 7


class AuthLimitCounter(models.Model):
    """How often somebody tried something: a row for each address typed and each network.

    The rows are written by one statement in a transaction of its own. So they are shared by all
    workers, outlive a request that fails, and requests at the same moment cannot pass the bound:
    each waits for the row and then reads what the one before wrote (READ COMMITTED). They bear a
    keyed hash and neither the address nor the network.
    """

    _name = "auth.limit.counter"
    _description = "Attempts to Sign In"
    _rec_name = "key"
    _log_access = False

    key = fields.Char(required=True, readonly=True)
    count = fields.Integer(required=True, readonly=True)
    since = fields.Datetime(required=True, readonly=True)

    _key_unique = models.Constraint("UNIQUE(key)", "There is already a counter of this key.")

    @api.model
    def _bound(self, name):
        """Return a setting: a number of attempts, or minutes.

        :param str name: of :data:`DEFAULTS`
        """
        # sudo: the settings are read for visitors, too
        text = self.env["ir.config_parameter"].sudo().get_param(f"auth_limit.{name}") or ""
        return int(text) if text.isdecimal() and 0 < int(text) < 10**6 else DEFAULTS[name]

    @api.model
    def _spend(self, kind, doors):
        """Count an attempt at each of the doors, unless one of them is shut.

        :param str kind: ``login`` or ``mail``: which settings apply
        :param dict doors: of ``ip`` and ``address`` to the keys, in the order in which to try
        :return: minutes to wait, 0 when the attempt may be made
        """
        minutes = self._bound(f"{kind}_minutes")
        bounds = {name: self._bound(f"{kind}_{name}") for name in doors}
        with self._own_cursor() as cr:
            for name, key in doors.items():
                if wait := self._spend_one(cr, key, bounds[name], minutes):
                    return wait
        return 0

    @api.model
    def _spend_one(self, cr, key, bound, minutes):
        """Count one attempt where fewer than `bound` were made in as many minutes.

        :return: minutes to wait, 0 when it was counted
        """
        cr.execute("""
            INSERT INTO auth_limit_counter AS one (key, count, since)
            VALUES (%(key)s, 1, clock_timestamp() AT TIME ZONE 'UTC')
            ON CONFLICT (key) DO UPDATE SET
                count = CASE WHEN one.since <= excluded.since - %(window)s::interval
                             THEN 1 ELSE one.count + 1 END,
                since = CASE WHEN one.since <= excluded.since - %(window)s::interval
                             THEN excluded.since ELSE one.since END
            WHERE one.count < %(bound)s OR one.since <= excluded.since - %(window)s::interval
            RETURNING id""", {"key": key, "bound": bound, "window": f"{minutes} minutes"})
        if cr.fetchone():
            return 0
        cr.execute("""
            SELECT extract(epoch FROM since + %s::interval
                           - clock_timestamp() AT TIME ZONE 'UTC') / 60
            FROM auth_limit_counter WHERE key = %s""", [f"{minutes} minutes", key])
        left = cr.fetchone()
        return max(math.ceil(left[0]), 1) if left else 1

    @api.model
    def _give_back(self, doors, forget=()):
        """Take back what :meth:`_spend` counted, for the attempt was no guess.

        :param dict doors: as there
        :param forget: names of doors of which all earlier attempts are forgotten, too
        """
        with self._own_cursor() as cr:
            for name, key in doors.items():
                cr.execute(
                    "UPDATE auth_limit_counter SET count = CASE WHEN %s THEN 0"
                    " ELSE greatest(count - 1, 0) END WHERE key = %s", [name in forget, key])

    @api.model
    def _key(self, *parts):
        """Return the key of a counter, from which nobody can read what is counted."""
        # sudo: the secret of the database
        return hmac(self.env(su=True), "auth_limit.counter", parts)

    @api.model
    def _doors(self, what, address, ip):
        """Return the keys at which an attempt is counted: of the network, then of the address.

        All take the rows in this order, so that nobody waits in a circle.

        :param str what: ``login``, ``reset`` or ``signup``
        :param str address: as it was typed
        :param str ip: of the client
        """
        return {"ip": self._key(what, "ip", _network(ip)),
                "address": self._key(what, "address", address.strip().casefold())}

    @api.model
    def _refusal(self, minutes):
        """Say when to try again."""
        return self.env._(
            "Too many attempts. Try again in %(minutes)s min.", minutes=minutes)

    def _own_cursor(self):
        """Open a transaction of its own, which reads what others have just committed."""
        cr = sql_db.db_connect(self.env.cr.dbname).cursor()
        cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return cr

    @api.autovacuum
    def _gc_counters(self):
        """Forget attempts that no bound asks about any more."""
        self.env.cr.execute(
            "DELETE FROM auth_limit_counter"
            " WHERE since < now() AT TIME ZONE 'UTC' - %s::interval", [f"{KEPT_DAYS} days"])


def _network(ip):
    """Return whom an address of the internet belongs to: one household has 2**64 of version 6."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip or ""
    if address.version == 6 and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
