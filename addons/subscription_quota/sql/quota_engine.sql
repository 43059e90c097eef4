-- The engine of the quotas: functions of the database, made anew at each update of the addon.
-- One call is one trip to the server, and PL/pgSQL keeps the plans of its statements as long as
-- the connection is kept (kept_cursor.py).

-- The period that holds a civil day: the same calendar as tools/civil.py. A day before the anchor
-- (a trial, a start in the future) lies in a period that ends on the anchor or earlier.
-- One SELECT in SQL becomes part of the statement that asks; OFFSET 0 keeps what is inside from
-- being worked out once for each place that names it.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_proc WHERE proname = 'quota_period' AND NOT proretset) THEN
        DROP FUNCTION quota_period;
    END IF;
END $$;
CREATE OR REPLACE FUNCTION quota_period(anchor date, unit varchar, step integer, day date)
RETURNS TABLE (starts date, ends date) LANGUAGE sql IMMUTABLE ROWS 1 AS $$
    SELECT (anchor + number * length)::date, (anchor + (number + 1) * length)::date
    FROM (SELECT length, guess - (anchor + guess * length > day)::integer AS number
          FROM (SELECT CASE unit WHEN 'week' THEN make_interval(days => 7 * step)
                           ELSE make_interval(months => months) END AS length,
                       CASE unit WHEN 'week' THEN floor((day - anchor) / (7.0 * step))
                           ELSE floor((12 * (date_part('year', day) - date_part('year', anchor))
                               + date_part('month', day) - date_part('month', anchor)) / months)
                           END::integer AS guess
                FROM (SELECT step * CASE unit WHEN 'year' THEN 12 ELSE 1 END AS months) short
                OFFSET 0) guessed
          OFFSET 0) known
$$;

-- What a subscription may use at a moment (UTC), a row a metric: the limit is that of the plan for
-- each unit subscribed, or of the override in force, and the units granted on top; none: NULL.
-- A trial has the limit of one unit however many are subscribed: what nobody pays is not multiplied.
-- Held units kept after a change of plan raise it until their grace is over.
CREATE OR REPLACE FUNCTION quota_state(
    sub integer, moment timestamp without time zone, wanted varchar[] DEFAULT NULL)
RETURNS TABLE (
    metric_id integer, code varchar, kind varchar, mode varchar, offered boolean,
    state varchar, served boolean, tz varchar, today date, company_id integer,
    period_start date, resets_on date, counter_id integer, used integer, overage integer,
    limit_value integer, price numeric, grace_until date)
LANGUAGE plpgsql STABLE ROWS 10
SET plan_cache_mode = force_generic_plan  -- planning for each value takes longer than to look
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT metric.id, metric.code, metric.kind, COALESCE(planned.mode, 'hard'),
           planned.id IS NOT NULL OR own.id IS NOT NULL OR granted.units > 0,
           s.state,
           s.state IN ('trial', 'active', 'past_due')
               AND (s.end_date IS NULL OR s.end_date > clock.today),
           s.tz, clock.today, s.company_id,
           CASE metric.kind WHEN 'period' THEN turn.starts END,
           CASE metric.kind WHEN 'period' THEN turn.ends END,
           counter.id, COALESCE(counter.used, 0),
           CASE metric.kind WHEN 'period' THEN COALESCE(counter.overage, 0)
               ELSE GREATEST(COALESCE(counter.used, 0) - bound.units, 0)::integer END,
           GREATEST(
               bound.units,
               CASE WHEN bound.units IS NOT NULL AND clock.today < counter.grace_until
                   THEN counter.grace_limit END)::integer,
           planned.overage_price,
           CASE WHEN clock.today < counter.grace_until AND counter.grace_limit > bound.units
               THEN counter.grace_until END
    FROM subscription_subscription s
    JOIN subscription_plan plan ON plan.id = COALESCE(s.served_plan_id, s.plan_id)
    JOIN subscription_plan_price cycle ON cycle.id = s.price_id
    CROSS JOIN LATERAL (
        SELECT (moment AT TIME ZONE 'UTC' AT TIME ZONE s.tz)::date AS today) clock
    CROSS JOIN LATERAL quota_period(
        s.anchor_date,
        CASE plan.quota_interval WHEN 'month' THEN 'month' ELSE cycle.interval_unit END,
        CASE plan.quota_interval WHEN 'month' THEN 1 ELSE cycle.interval_count END,
        clock.today) turn
    JOIN quota_metric metric ON metric.active AND (wanted IS NULL OR metric.code = ANY (wanted))
    LEFT JOIN quota_plan_limit planned
        ON planned.plan_id = plan.id AND planned.metric_id = metric.id
    LEFT JOIN LATERAL (
        SELECT o.id, o.unlimited, o.limit_value FROM quota_override o
        WHERE o.metric_id = metric.id AND o.company_id = s.company_id
          AND (o.subscription_id = s.id OR o.partner_id = s.commercial_partner_id)
          AND o.date_from <= clock.today AND (o.date_to IS NULL OR o.date_to >= clock.today)
        ORDER BY o.subscription_id IS NULL LIMIT 1) own ON TRUE
    LEFT JOIN LATERAL (
        SELECT sum(g.quantity) AS units FROM quota_grant g
        WHERE g.subscription_id = s.id AND g.metric_id = metric.id
          AND g.date_from <= clock.today AND (g.date_end IS NULL OR g.date_end > clock.today)
          AND (metric.kind <> 'period' OR g.period_start = turn.starts)) granted ON TRUE
    LEFT JOIN quota_counter counter
        ON counter.subscription_id = s.id AND counter.metric_id = metric.id
        AND COALESCE(counter.period_start, '1970-01-01'::date)
            = CASE metric.kind WHEN 'period' THEN turn.starts ELSE '1970-01-01'::date END
    CROSS JOIN LATERAL (
        SELECT LEAST(2147483647, CASE
            WHEN own.id IS NOT NULL
                THEN CASE WHEN own.unlimited THEN NULL ELSE own.limit_value::bigint END
            WHEN planned.unlimited THEN NULL
            ELSE COALESCE(planned.limit_value::bigint, 0)
                * CASE WHEN planned.per_unit AND s.state <> 'trial'
                    THEN COALESCE(NULLIF(s.served_quantity, 0), s.quantity) ELSE 1 END
            END + COALESCE(granted.units, 0)) AS units) limits
    CROSS JOIN LATERAL (
        SELECT CASE
            WHEN own.id IS NOT NULL AND own.unlimited OR own.id IS NULL AND planned.unlimited
                THEN NULL ELSE limits.units END AS units) bound
    WHERE s.id = sub
    ORDER BY metric.id;
END $$;

-- A live API key and the subscription it speaks of: the one named, or a customer's only one.
-- No row: no such key, or not its secret. What is compared is the hash of 32 random bytes: the time
-- that takes tells nobody anything of the secret.
CREATE OR REPLACE FUNCTION quota_key(start varchar, hash varchar, reference varchar)
RETURNS TABLE (
    key_id integer, is_service boolean, can_consume boolean, can_check boolean,
    can_history boolean, last_used_at timestamp without time zone,
    subscription_id integer, subscription_name varchar, is_ambiguous boolean)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
#variable_conflict use_column
BEGIN
    IF reference IS NOT NULL THEN
        RETURN QUERY
        SELECT k.id, k.is_service, k.can_consume, k.can_check, k.can_history, k.last_used_at,
               s.id, s.name, FALSE
        FROM quota_api_key k
        LEFT JOIN subscription_subscription s
            ON s.name = reference AND s.company_id = k.company_id
            AND s.state NOT IN ('draft', 'upcoming')
            AND (k.is_service OR s.commercial_partner_id = k.commercial_partner_id)
        WHERE k.lookup = start AND k.secret_hash = hash AND k.revoked_at IS NULL;
        RETURN;
    END IF;
    RETURN QUERY
    SELECT k.id, k.is_service, k.can_consume, k.can_check, k.can_history, k.last_used_at,
           chosen.id, chosen.name, chosen.live_count > 1
    FROM quota_api_key k
    LEFT JOIN LATERAL (
        SELECT s.id, s.name, count(*) FILTER (WHERE s.state <> 'ended') OVER () AS live_count
        FROM subscription_subscription s
        WHERE s.commercial_partner_id = k.commercial_partner_id AND s.company_id = k.company_id
          AND s.state NOT IN ('draft', 'upcoming')
        ORDER BY s.state = 'ended', s.id DESC LIMIT 1) chosen ON TRUE
    WHERE k.lookup = start AND k.secret_hash = hash AND k.revoked_at IS NULL;
END $$;

-- Count units of several metrics for a subscription: all of them or none. Quantities below zero
-- give held units back.
--
-- The rows are locked first; the statement that counts comes after, so that (READ COMMITTED) its
-- snapshot is younger than the wait: it sees what the others consumed, and the plan, override,
-- grant or suspension committed meanwhile. A limit kept on the counter could be checked again by
-- the wait itself, but would have to be kept in step with dates, plans and customers by everybody
-- who writes them; one read by a subquery of a waiting UPDATE would be that of before the wait.
CREATE OR REPLACE FUNCTION quota_move(
    sub integer, codes varchar[], quantities integer[], moment timestamp without time zone,
    key_id integer DEFAULT NULL, request_key varchar DEFAULT NULL, request_hash varchar DEFAULT NULL)
RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    request_scope varchar := CASE WHEN key_id IS NULL THEN 'subscription:' || sub
                                  ELSE 'key:' || key_id END;
    counters integer[];
    result jsonb;
BEGIN
    IF request_key IS NOT NULL THEN
        IF NOT pg_try_advisory_xact_lock(
                hashtextextended('quota ' || request_scope || ' ' || request_key, 0)) THEN
            RETURN '{"outcome": "in_progress"}';
        END IF;
        SELECT CASE WHEN r.body_hash = request_hash AND r.subscription_id = sub
                    THEN r.answer || '{"outcome": "replayed"}'
                    ELSE '{"outcome": "other_body"}' END
        INTO result FROM quota_request r
        WHERE r.scope = request_scope AND r.key = request_key
          AND (r.expires_at IS NULL OR r.expires_at > moment);
        IF FOUND THEN
            RETURN result;
        END IF;
    END IF;

    SELECT array_agg(locked.id) INTO counters FROM (
        SELECT counter.id FROM quota_counter counter
        JOIN quota_metric metric ON metric.id = counter.metric_id
        WHERE counter.subscription_id = sub AND metric.code = ANY (codes)
          AND (counter.period_end IS NULL OR counter.period_end > moment::date - 1)
        ORDER BY counter.metric_id, counter.id FOR NO KEY UPDATE OF counter) locked;
    LOOP
        WITH asked AS MATERIALIZED (
            SELECT q.*, w.units, q.used::bigint + w.units AS after,
                   COALESCE(q.counter_id = ANY (counters), FALSE) AS locked
            FROM unnest(codes, quantities) AS w (code, units)
            JOIN quota_state(sub, moment, codes) q ON q.code = w.code
        ), moved AS (
            UPDATE quota_counter counter SET
                used = asked.after,
                limit_value = asked.limit_value,
                unlimited = asked.limit_value IS NULL,
                overage = counter.overage + beyond.units,
                overage_amount = counter.overage_amount + beyond.units * COALESCE(asked.price, 0)
            FROM asked, LATERAL (
                SELECT CASE WHEN asked.mode = 'soft' AND asked.kind = 'period' AND asked.units > 0
                       THEN GREATEST(LEAST(asked.units, asked.after - asked.limit_value), 0)
                       ELSE 0 END AS units) beyond
            WHERE counter.id = asked.counter_id
              AND (SELECT count(*) FROM asked) = cardinality(codes)
              AND NOT EXISTS (
                SELECT FROM asked other
                WHERE NOT other.locked
                   OR other.units < 0 AND other.kind <> 'held'
                   OR other.units > 0 AND NOT other.served
                   OR other.after NOT BETWEEN 0 AND 2147483647
                   OR other.units > 0 AND other.mode = 'hard' AND other.after > other.limit_value)
            RETURNING counter.id, counter.metric_id, counter.overage, beyond.units AS beyond
        ), history AS (
            INSERT INTO quota_usage
                (subscription_id, metric_id, api_key_id, quantity, moment, day)
            SELECT sub, asked.metric_id, key_id, asked.units, moment, asked.today
            FROM moved JOIN asked ON asked.metric_id = moved.metric_id
        ), days AS (
            INSERT INTO quota_usage_day AS total
                (subscription_id, company_id, metric_id, day, consumed, released)
            SELECT sub, asked.company_id, asked.metric_id, asked.today,
                   GREATEST(asked.units, 0), GREATEST(-asked.units, 0)
            FROM moved JOIN asked ON asked.metric_id = moved.metric_id
            ON CONFLICT (subscription_id, metric_id, day) DO UPDATE SET
                consumed = total.consumed + excluded.consumed,
                released = total.released + excluded.released
        )
        SELECT jsonb_build_object(
            'outcome', CASE
                WHEN count(moved.metric_id) > 0 THEN 'moved'
                WHEN bool_or(asked.served AND asked.kind <> 'feature' AND NOT asked.locked)
                    THEN 'uncounted'
                ELSE 'refused' END,
            'metrics', COALESCE(jsonb_object_agg(asked.code, jsonb_build_object(
                'kind', asked.kind, 'mode', asked.mode, 'state', asked.state, 'tz', asked.tz,
                'served', asked.served, 'units', asked.units, 'limit', asked.limit_value,
                'resets_on', asked.resets_on,
                'counter', moved.id, 'beyond', moved.beyond, 'price', COALESCE(asked.price, 0),
                'used', CASE WHEN moved.metric_id IS NULL THEN asked.used ELSE asked.after END,
                'overage', CASE WHEN asked.kind = 'period'
                    THEN COALESCE(moved.overage, asked.overage)
                    ELSE GREATEST(CASE WHEN moved.metric_id IS NULL THEN asked.used
                        ELSE asked.after END - asked.limit_value, 0) END)), '{}'))
        INTO result
        FROM asked LEFT JOIN moved ON moved.metric_id = asked.metric_id;
        EXIT WHEN result ->> 'outcome' <> 'uncounted';
        -- The first of a period; or of a longer one, by a change of plan, that began the same day.
        -- Made or known, the rows are locked by this: nothing more is waited for.
        WITH made AS (
            INSERT INTO quota_counter AS known
                (subscription_id, company_id, metric_id, period_start, period_end, used, overage,
                 overage_amount, overage_billed, amount_billed)
            SELECT sub, q.company_id, q.metric_id, q.period_start, q.resets_on, 0, 0, 0, 0, 0
            FROM quota_state(sub, moment, codes) q
            WHERE q.kind <> 'feature'
            ORDER BY q.metric_id
            ON CONFLICT (subscription_id, metric_id, COALESCE(period_start, '1970-01-01'::date))
                DO UPDATE SET period_end = excluded.period_end
            RETURNING known.id)
        SELECT array_agg(made.id) INTO counters FROM made;
    END LOOP;

    IF request_key IS NOT NULL AND result ->> 'outcome' = 'moved' THEN
        INSERT INTO quota_request AS known
            (scope, key, body_hash, answer, subscription_id, expires_at)
        VALUES (request_scope, request_key, request_hash, result, sub,
                CASE WHEN key_id IS NOT NULL THEN moment + interval '24 hours' END)
        ON CONFLICT (scope, key) DO UPDATE SET
            body_hash = excluded.body_hash, answer = excluded.answer,
            subscription_id = excluded.subscription_id, expires_at = excluded.expires_at
        WHERE known.expires_at <= moment;
        IF NOT FOUND THEN  -- only without READ COMMITTED: begin again, and see the answer
            RAISE EXCEPTION 'quota request % is known', request_key
                USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    RETURN result;
END $$;
