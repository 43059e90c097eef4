"""What holds at any time between ledger, wallets, lots, seats and books, asked in plain SQL.

Each question selects what does *not* hold, so that an answer names the culprit.
"""

QUESTIONS = {
    "a wallet's balance is the sum of its entries and of its lots, never below zero": """
        SELECT w.id AS wallet, w.balance, e.credits AS entries, l.credits AS lots
          FROM credit_wallet w
          LEFT JOIN LATERAL (SELECT COALESCE(SUM(credits), 0) AS credits
                               FROM credit_entry WHERE wallet_id = w.id) e ON TRUE
          LEFT JOIN LATERAL (SELECT COALESCE(SUM(remaining), 0) AS credits
                               FROM credit_lot WHERE wallet_id = w.id) l ON TRUE
         WHERE w.balance < 0 OR w.balance <> e.credits OR w.balance <> l.credits""",
    "what is left of a lot is the sum of its movements, credits and cents": """
        SELECT l.id AS lot, l.remaining, m.credits, l.value_remaining, m.value
          FROM credit_lot l
          LEFT JOIN LATERAL (SELECT COALESCE(SUM(credits), 0) AS credits,
                                    COALESCE(SUM(value), 0) AS value
                               FROM credit_lot_move WHERE lot_id = l.id) m ON TRUE
         WHERE l.remaining < 0 OR l.remaining <> m.credits
            OR COALESCE(l.value_remaining, 0) <> m.value""",
    "an entry is the sum of its movements, and states the balance it leaves": """
        SELECT * FROM (
            SELECT e.id AS entry, e.credits, m.credits AS moved, COALESCE(e.value, 0) AS value,
                   m.value AS value_moved, e.balance_after,
                   SUM(e.credits) OVER (PARTITION BY e.wallet_id ORDER BY e.id) AS replayed
              FROM credit_entry e
              LEFT JOIN LATERAL (SELECT COALESCE(SUM(credits), 0) AS credits,
                                        COALESCE(SUM(value), 0) AS value
                                   FROM credit_lot_move WHERE entry_id = e.id) m ON TRUE) played
         WHERE credits <> moved OR value <> value_moved OR balance_after <> replayed""",
    "credits owed in the accounts are the value of the lots": """
        SELECT c.id AS company, owed.value AS accounts, lots.value AS lots
          FROM res_company c
          LEFT JOIN LATERAL (
               SELECT COALESCE(-SUM(line.balance), 0) AS value
                 FROM account_move_line line
                WHERE line.account_id = c.credit_deferred_account_id
                  AND line.company_id = c.id AND line.parent_state = 'posted') owed ON TRUE
          LEFT JOIN LATERAL (SELECT COALESCE(SUM(value_remaining), 0) AS value
                               FROM credit_lot WHERE company_id = c.id) lots ON TRUE
         WHERE c.credit_deferred_account_id IS NOT NULL AND owed.value <> lots.value""",
    "a session counts its seats, and sells no more than it has": """
        SELECT s.id AS session, s.seats_booked, s.seats_held, s.seats_max, r.seats, w.held
          FROM event_event s
          LEFT JOIN LATERAL (SELECT COUNT(*) AS held FROM session_waiting
                              WHERE event_id = s.id AND state = 'offered') w ON TRUE
          LEFT JOIN LATERAL (SELECT COUNT(*) AS seats FROM event_registration
                              WHERE event_id = s.id AND active
                                AND state IN ('open', 'done')) r ON TRUE
         WHERE s.seats_booked <> r.seats OR s.seats_held <> w.held
            OR (s.is_training AND s.seats_limited
                AND s.seats_booked + s.seats_held > s.seats_max)""",
    "a seat paid with credits is one booking, and one refund once cancelled": """
        SELECT r.id AS registration, r.state, r.credit_entry_id, r.refund_entry_id
          FROM event_registration r
          JOIN event_event s ON s.id = r.event_id AND s.is_training
          LEFT JOIN credit_entry refund ON refund.id = r.refund_entry_id
          LEFT JOIN credit_entry back ON back.id = r.absence_entry_id
         WHERE NOT COALESCE(r.paid_outside, FALSE)
           AND (r.credit_entry_id IS NULL
                OR (r.state = 'cancel' AND NOT COALESCE(r.credits_kept, FALSE)
                    AND r.absence_entry_id IS NULL) <> (r.refund_entry_id IS NOT NULL)
                OR back.reversed_entry_id <> r.credit_entry_id
                OR refund.reversed_entry_id <> r.credit_entry_id)""",
    "credits spent on a seat have their seat, and each entry of a seat one posted document": """
        SELECT e.id AS entry, e.kind, e.idempotency_key,
               COUNT(DISTINCT r.id) AS seats, COUNT(DISTINCT m.id) AS documents
          FROM credit_entry e
          LEFT JOIN event_registration r ON e.id IN (r.credit_entry_id, r.refund_entry_id)
          LEFT JOIN account_move m ON m.credit_entry_id = e.id AND m.state = 'posted'
         WHERE (e.idempotency_key LIKE 'booking:%'
                OR e.idempotency_key LIKE 'refund:registration:%')
           AND NOT EXISTS (  -- taken again after an absence noted by mistake
               SELECT FROM credit_entry back WHERE back.reversed_entry_id = e.id
                  AND back.idempotency_key LIKE 'absence:%')
         GROUP BY e.id
        HAVING COUNT(DISTINCT r.id) <> 1 OR COUNT(DISTINCT m.id) <> 1""",
    "a pack is granted once per order line": """
        SELECT sale_line_id, COUNT(*) FROM credit_entry
         WHERE sale_line_id IS NOT NULL AND kind = 'purchase'
         GROUP BY sale_line_id HAVING COUNT(*) > 1""",
}


def violations(house):
    """List what does not agree in the books of the house, in sentences."""
    found = []
    for rule, question in QUESTIONS.items():
        rows = house.rows(f"SELECT to_json(wrong) FROM ({question} LIMIT 5) wrong")
        found += [f"not so: {rule}: {row}" for (row,) in rows]
    return found


def check(house):
    """Check the rules of the books.

    :raise AssertionError: naming each rule that does not hold, with its first culprits.
    """
    found = violations(house)
    assert not found, "\n".join(found)
