"""A ledger of any size, by SQL: a million entries through the ORM would take an hour.

Every row respects the constraints and the invariants, and :func:`check` proves it: balance =
sum of entries = sum of lots, in credits and in value.

Of 100 wallets one has 109 entries and the others have 9, so that 100 wallets make 1,000 entries
and 100,000 make 1,000,000. The life of each: 3 credits bought a year ago and spent, a pack with
an expiry ahead and spent in part, a gift of 20 without expiry; 33 credits are left in two lots.
"""

import contextlib

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.tools import SQL

LEFT = 33
CARD_POINTS = 100_000
READERS = 100


def clone(cr, table, source_id, count, **overrides):
    """Copies of a row the ORM made, with ids that follow its own.

    :param overrides: SQL expressions of ``n`` (1 for the first copy) for columns that differ
    """
    cr.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_name = %s AND table_schema = current_schema", [table])
    overrides = {"id": f"{source_id} + n", **overrides}
    columns = [name for (name,) in cr.fetchall()]
    values = [SQL(overrides[name]) if name in overrides else SQL.identifier("source", name)
              for name in columns]
    cr.execute(SQL(
        "INSERT INTO %(table)s (%(columns)s) SELECT %(values)s "
        "FROM %(table)s source, generate_series(1, %(count)s) n WHERE source.id = %(source_id)s",
        table=SQL.identifier(table), columns=SQL(", ").join(map(SQL.identifier, columns)),
        values=SQL(", ").join(values), count=count, source_id=source_id))
    cr.execute(SQL("SELECT setval(%s, (SELECT max(id) FROM %s))",
                   f"{table}_id_seq", SQL.identifier(table)))


@contextlib.contextmanager
def bulk_load(cr, *tables):
    """Check foreign keys and build indexes once, after the rows, instead of a million times."""
    cr.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid = ANY(%s::regclass[])", [list(tables)])
    keys = cr.fetchall()
    cr.execute("SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
               "WHERE NOT indisunique AND indrelid = ANY(%s::regclass[])", [list(tables)])
    indexes = cr.fetchall()
    for table, name, _definition in keys:
        cr.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    for name, _definition in indexes:
        cr.execute(f"DROP INDEX {name}")
    yield
    for _name, definition in indexes:
        cr.execute(definition)
    for table, name, definition in keys:
        cr.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


# One row an entry: e is its rank in the wallet's life, entries the length of that life.
PLAN = """
CREATE TEMP TABLE plan AS
SELECT nextval('credit_entry_id_seq') AS entry_id, %(first_lot)s + 3 * (number - 1) AS first_lot,
       ordered.*,
       CASE WHEN e <= 3 THEN e WHEN e <= 6 THEN 1 ELSE 2 END AS lot,
       CASE e WHEN 1 THEN 3 WHEN 2 THEN entries + 7 WHEN 3 THEN 20 ELSE -1 END AS credits,
       CASE e WHEN 1 THEN 28.5 WHEN 2 THEN (entries + 7) * 10 WHEN 3 THEN 0
              WHEN 4 THEN -9.5 WHEN 5 THEN -9.5 WHEN 6 THEN -9.5 ELSE -10 END AS value,
       CASE e WHEN 1 THEN 3 WHEN 2 THEN entries + 10 ELSE entries + 33 - e END AS balance
FROM (SELECT number, %(first_wallet)s + number - 1 AS wallet_id,
             %(first_partner)s + number - 1 AS partner_id, entries, e
      FROM (SELECT number, CASE WHEN number %% 100 = 0 THEN 109 ELSE 9 END AS entries
            FROM generate_series(1, %(wallets)s) number) wallets,
           generate_series(1, entries) e
      ORDER BY e, number) ordered"""
LOTS = """
INSERT INTO credit_lot (id, wallet_id, partner_id, company_id, granted, remaining,
                        value_granted, value_remaining, expiry_date, granted_date,
                        voucher_kind, create_uid, write_uid, create_date, write_date)
SELECT first_lot + e - 1, wallet_id, partner_id, %(company)s, credits,
       CASE e WHEN 1 THEN 0 WHEN 2 THEN 13 ELSE 20 END, value,
       CASE e WHEN 2 THEN 130 ELSE 0 END,
       CASE e WHEN 1 THEN current_date - 1 - (number %% 300)::int
              WHEN 2 THEN current_date + 30 + (number %% 300)::int END,
       current_date - (400 - e)::int, 'single', 1, 1, now(), now()
FROM plan WHERE e <= 3"""
ENTRIES = """
INSERT INTO credit_entry (id, wallet_id, partner_id, company_id, kind, credits, value,
                          balance_after, date, accounting_date, user_id, reason, origin,
                          idempotency_key, create_uid, write_uid, create_date, write_date)
SELECT entry_id, wallet_id, partner_id, %(company)s,
       CASE WHEN e <= 2 THEN 'purchase' WHEN e = 3 THEN 'adjustment' ELSE 'booking' END,
       credits, value, balance, now() - interval '1 day' * (400 - e),
       current_date - (400 - e)::int, 1,
       CASE e WHEN 3 THEN 'Welcome' END, 'S' || entry_id, 'bench:' || number || ':' || e,
       1, 1, now(), now()
FROM plan ORDER BY entry_id"""
MOVES = """
INSERT INTO credit_lot_move (entry_id, lot_id, company_id, credits, value,
                             create_uid, write_uid, create_date, write_date)
SELECT entry_id, first_lot + lot - 1, %(company)s, credits, value, 1, 1, now(), now()
FROM plan ORDER BY entry_id"""
CHECK = """
SELECT count(*), sum(balance), count(*) FILTER (
    WHERE balance < 0 OR balance IS DISTINCT FROM entry.credits
       OR balance IS DISTINCT FROM lot.credits OR entry.value IS DISTINCT FROM lot.value
       OR entry.credits IS DISTINCT FROM move.credits OR entry.value IS DISTINCT FROM move.value)
FROM credit_wallet wallet
LEFT JOIN (SELECT wallet_id, sum(credits) AS credits, sum(value) AS value
           FROM credit_entry GROUP BY wallet_id) entry ON entry.wallet_id = wallet.id
LEFT JOIN (SELECT wallet_id, sum(remaining) AS credits, sum(value_remaining) AS value
           FROM credit_lot GROUP BY wallet_id) lot ON lot.wallet_id = wallet.id
LEFT JOIN (SELECT wallet_id, sum(move.credits) AS credits, sum(move.value) AS value
           FROM credit_lot_move move JOIN credit_lot ON credit_lot.id = lot_id
           GROUP BY wallet_id) move ON move.wallet_id = wallet.id"""


def fill(registry, wallets):
    """Customers, wallets, ledger, portal users, and an eWallet card for each customer.

    :return: ids by name, for the operations
    """
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        made = _make_models(env)
        env.flush_all()
        with bulk_load(cr, "res_partner", "credit_wallet", "loyalty_card", "credit_lot",
                       "credit_entry", "credit_lot_move"):
            _fill_customers(cr, made, wallets)
            _fill_ledger(cr, made, wallets)
        made.update(_fill_readers(env, made, wallets))
    _analyze(registry)
    return {**made, "wallets": wallets}


def _make_models(env):
    """The first of each kind through the ORM, and what the peer needs once."""
    company = env.company
    company._credit_create_accounts()
    user = env["res.users"].with_context(no_reset_password=True).create({
        "name": "Reader", "login": "reader", "group_ids": [(6, 0, env.ref(
            "base.group_portal").ids)]})
    # After the user, who is a partner too: copies take the ids that follow.
    partner = env["res.partner"].create({"name": "Customer", "email": "customer@example.com"})
    wallet = env["credit.wallet"]._of(partner, company)
    product = env["product.product"].create({
        "name": "Training", "type": "service", "list_price": 10.0, "taxes_id": False})
    programs = env["loyalty.program"]
    program = programs.create({
        "name": "eWallet", "program_type": "ewallet",
        "trigger_product_ids": env.ref("loyalty.ewallet_product_50"),
        **programs._program_type_default_values()["ewallet"]})
    card = env["loyalty.card"].create({
        "program_id": program.id, "partner_id": partner.id, "points": CARD_POINTS})
    return {"company": company.id, "partner": partner.id, "wallet": wallet.id, "card": card.id,
            "product": product.id, "program": program.id, "user": user.id}


def _fill_customers(cr, made, wallets):
    partner = made["partner"]
    clone(cr, "res_partner", partner, wallets - 1, commercial_partner_id=f"{partner} + n",
          name="'Customer ' || n", complete_name="'Customer ' || n",
          email="'customer' || n || '@example.com'",
          email_normalized="'customer' || n || '@example.com'")
    cr.execute("UPDATE credit_wallet SET balance = %s WHERE id = %s", [LEFT, made["wallet"]])
    clone(cr, "credit_wallet", made["wallet"], wallets - 1, partner_id=f"{partner} + n")
    clone(cr, "loyalty_card", made["card"], wallets - 1, partner_id=f"{partner} + n",
          code="'bench' || n")


def _fill_ledger(cr, made, wallets):
    cr.execute("SELECT nextval('credit_lot_id_seq')")
    names = {"first_lot": cr.fetchone()[0], "first_wallet": made["wallet"],
             "first_partner": made["partner"], "wallets": wallets, "company": made["company"]}
    for statement in (PLAN, LOTS, ENTRIES, MOVES):
        cr.execute(statement, names)
    cr.execute("SELECT setval('credit_lot_id_seq', (SELECT max(id) FROM credit_lot))")
    cr.execute("DROP TABLE plan")


def _fill_readers(env, made, wallets):
    """Portal users for some owners of short and of long histories, spread over all wallets.

    :return: lists of user ids, ``short`` and ``long``
    """
    cr, readers = env.cr, {}
    groups = env["res.users"].browse(made["user"]).group_ids.ids
    heavy = range(100, wallets + 1, 100)
    light = [number for number in range(1, wallets + 1) if number % 100]
    for kind, numbers in (("short", light), ("long", heavy)):
        chosen = numbers[::max(len(numbers) // READERS, 1)][:READERS]
        cr.execute("SELECT max(id) FROM res_users")
        last = cr.fetchone()[0]
        partners = SQL("%s", [made["partner"] + number - 1 for number in chosen])
        clone(cr, "res_users", made["user"], len(chosen), id=f"{last} + n",
              login=f"'{kind}' || n", partner_id=f"({cr.mogrify(partners).decode()})[n]")
        readers[kind] = list(range(last + 1, last + 1 + len(chosen)))
        cr.execute("INSERT INTO res_groups_users_rel (gid, uid) "
                   "SELECT gid, uid FROM unnest(%s) gid, unnest(%s) uid", [groups, readers[kind]])
        cr.execute("INSERT INTO res_company_users_rel (cid, user_id) "
                   "SELECT %s, uid FROM unnest(%s) uid", [made["company"], readers[kind]])
    return readers


def _analyze(registry):
    """Statistics for the planner, and the visibility map, as autovacuum leaves them."""
    with contextlib.closing(psycopg2.connect(dbname=registry.db_name)) as connection:
        connection.autocommit = True
        with connection.cursor() as cr:
            cr.execute("VACUUM ANALYZE")


def check(registry):
    """:raise AssertionError: balance, entries, lots and lot moves of a wallet do not agree."""
    with registry.cursor() as cr:
        cr.execute(CHECK)
        wallets, balance, wrong = cr.fetchone()
        cr.execute("SELECT count(*) FROM credit_entry")
        entries = cr.fetchone()[0]
    assert not wrong, f"{wrong} of {wallets} wallets do not agree with their ledger"
    return {"wallets": wallets, "entries": entries, "balance": balance}
