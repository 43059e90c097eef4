-- Take back what the request with this key consumed: its service failed. Once, and in whatever
-- state the subscription is by now. Undoing may overtake the request itself, when it is unanswered:
-- a key that is not known is kept, so that the request finds it used when it comes.
--
-- Units go back to the counter they were taken from, even when a new period has begun since; those
-- beyond the limit as far as they are not billed: an invoice is not undone.
CREATE OR REPLACE FUNCTION quota_undo(
    sub integer, moment timestamp without time zone, key_id integer, request_key varchar)
RETURNS jsonb LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    request_scope varchar := 'key:' || key_id;
    request record;
    result jsonb;
BEGIN
    IF NOT pg_try_advisory_xact_lock(
            hashtextextended('quota ' || request_scope || ' ' || request_key, 0)) THEN
        RETURN '{"outcome": "in_progress"}';
    END IF;
    SELECT * INTO request FROM quota_request r
    WHERE r.scope = request_scope AND r.key = request_key;
    IF NOT FOUND OR request.expires_at <= moment THEN
        INSERT INTO quota_request AS known
            (scope, key, body_hash, answer, subscription_id, expires_at)
        VALUES (request_scope, request_key, 'undone',
                '{"undone": {"outcome": "moved", "metrics": {}}}', sub,
                moment + interval '24 hours')
        ON CONFLICT (scope, key) DO UPDATE SET
            body_hash = excluded.body_hash, answer = excluded.answer,
            subscription_id = excluded.subscription_id, expires_at = excluded.expires_at;
        RETURN '{"outcome": "moved", "metrics": {}}';
    ELSIF request.subscription_id <> sub THEN
        RETURN '{"outcome": "other_body"}';
    ELSIF request.answer ? 'undone' THEN
        RETURN request.answer -> 'undone' || '{"outcome": "replayed"}';
    ELSIF EXISTS (SELECT FROM jsonb_each(request.answer -> 'metrics') m
                  WHERE (m.value ->> 'units')::integer < 0) THEN
        RETURN '{"outcome": "other_body"}';  -- units given back are not taken again
    END IF;

    PERFORM FROM quota_counter counter
    JOIN jsonb_each(request.answer -> 'metrics') m
        ON counter.id = (m.value ->> 'counter')::integer
    ORDER BY counter.metric_id FOR NO KEY UPDATE OF counter;

    WITH taken AS MATERIALIZED (
        -- What was held may have been released since: no more than is there goes back.
        SELECT counter.id, counter.metric_id, m.key AS code, q.today,
               LEAST((m.value ->> 'units')::integer, counter.used) AS units,
               LEAST((m.value ->> 'beyond')::integer, counter.overage - counter.overage_billed)
                   AS beyond,
               (m.value ->> 'price')::numeric AS price
        FROM jsonb_each(request.answer -> 'metrics') m
        JOIN quota_counter counter ON counter.id = (m.value ->> 'counter')::integer
        JOIN quota_state(sub, moment) q ON q.metric_id = counter.metric_id
    ), moved AS (
        UPDATE quota_counter counter SET
            used = counter.used - taken.units,
            overage = counter.overage - taken.beyond,
            overage_amount = GREATEST(
                counter.overage_amount - taken.beyond * taken.price, counter.amount_billed)
        FROM taken WHERE counter.id = taken.id
    ), history AS (
        INSERT INTO quota_usage
            (subscription_id, metric_id, api_key_id, quantity, moment, day)
        SELECT sub, taken.metric_id, key_id, -taken.units, moment, taken.today
        FROM taken WHERE taken.units > 0
    )
    INSERT INTO quota_usage_day AS total
        (subscription_id, company_id, metric_id, day, consumed, released)
    SELECT sub, counter.company_id, taken.metric_id, taken.today, 0, taken.units
    FROM taken JOIN quota_counter counter ON counter.id = taken.id
    ON CONFLICT (subscription_id, metric_id, day) DO UPDATE SET
        released = total.released + excluded.released;

    SELECT jsonb_build_object('outcome', 'moved', 'metrics', COALESCE(jsonb_object_agg(
        q.code, jsonb_build_object(
            'kind', q.kind, 'mode', q.mode, 'state', q.state, 'tz', q.tz, 'served', q.served,
            'units', -(m.value ->> 'units')::integer, 'limit', q.limit_value,
            'resets_on', q.resets_on, 'used', q.used, 'overage', q.overage)), '{}'))
    INTO result
    FROM jsonb_each(request.answer -> 'metrics') m
    JOIN quota_state(sub, moment) q ON q.code = m.key;
    UPDATE quota_request r SET answer = r.answer || jsonb_build_object('undone', result)
    WHERE r.id = request.id;
    RETURN result;
END $$;
