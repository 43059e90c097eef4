"""A server with the no-op route beside the quota API, and as much usage as is asked for."""

from pathlib import Path

from tests.house import House
from tests.quota_house import make_key, make_plans, subscribe_all

NOOP = Path(__file__).parent / "noop_route"
PLENTY = 2_000_000_000  # no limit is reached while it is measured
DAYS = 28  # the usage is of the four weeks before, within the year that is kept


class QuotaBenchHouse(House):
    """One threaded server process.

    :param int rows_of_usage: in the history, half of them of the subscriptions that are measured
    """

    def __init__(self, name, folder, rows_of_usage):
        super().__init__(name, folder, NOOP, processes=1, crons=0)
        self.rows_of_usage = rows_of_usage

    def prepare(self, clients):
        """A subscription for each client, as many others, and their past."""
        [plan_id] = make_plans(
            self, ("Bench", 10.0, {"scans": PLENTY, "api_access": 1}))
        self.visitors = self.customers(clients * 2, credits=None)
        subscriptions = subscribe_all(self, self.visitors, plan_id)
        self.references = [reference for reference, _id in subscriptions]
        self.key = make_key(self)
        self._fill([number for _reference, number in subscriptions])

    def _fill(self, subscription_ids):
        """History, totals a day, and a request with its answer for each row, as the engine
        leaves them."""
        ids = f"(ARRAY{subscription_ids})[1 + n % {len(subscription_ids)}]"
        moment = f"now() AT TIME ZONE 'UTC' - n * interval '{DAYS} days' / {self.rows_of_usage}"
        numbers = f"generate_series(1, {self.rows_of_usage}) n"
        scans = "(SELECT id FROM quota_metric WHERE code = 'scans')"
        key = "(SELECT max(id) FROM quota_api_key)"
        self.execute(
            "INSERT INTO quota_usage (subscription_id, metric_id, api_key_id, quantity, moment,"
            f" day) SELECT {ids}, {scans}, {key}, 1, {moment}, ({moment})::date FROM {numbers};"
            "INSERT INTO quota_usage_day (subscription_id, company_id, metric_id, day, consumed,"
            " released) SELECT subscription_id, 1, metric_id, day, count(*), 0 FROM quota_usage"
            " GROUP BY subscription_id, metric_id, day ON CONFLICT DO NOTHING;"
            "INSERT INTO quota_request (scope, key, body_hash, answer, subscription_id,"
            f" expires_at) SELECT 'key:' || {key}, 'past-' || n, md5(n::text),"
            " '{\"outcome\": \"moved\", \"metrics\": {}}', " + ids +
            f", now() AT TIME ZONE 'UTC' + interval '1 day' FROM {numbers}")
        self.analyze()

    def analyze(self):
        """As autovacuum does within a minute."""
        self.execute("ANALYZE quota_usage, quota_usage_day, quota_request, quota_counter")

    def counted(self):
        """Units that the engine has counted for the subscriptions that are measured."""
        [(used,)] = self.rows("SELECT COALESCE(sum(used), 0) FROM quota_counter")
        return used
