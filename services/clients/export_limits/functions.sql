-- In the database, because a check asks for it in its own statement, and each of its statements must see what others did
-- before it had the lock. A client that was counted today is never refused. `base` may be exceeded by what was granted.
CREATE OR REPLACE FUNCTION within_export_limit(who text, on_day date, wanted text[], base bigint, counting boolean) RETURNS text[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    counted bigint;
    most bigint;
    known text[];
    fresh text[];
    wished bigint;
BEGIN
    IF counting THEN
        INSERT INTO export_days (employee_id, day) VALUES (who, on_day) ON CONFLICT DO NOTHING;
        PERFORM 1 FROM export_days WHERE employee_id = who AND day = on_day FOR UPDATE;
    END IF;
    SELECT coalesce(max(clients), 0) INTO counted FROM export_days WHERE employee_id = who AND day = on_day;
    SELECT CASE WHEN bool_or(clients IS NULL) THEN NULL ELSE base + coalesce(sum(clients), 0) END INTO most
    FROM export_grants WHERE employee_id = who AND day = on_day AND withdrawn_at IS NULL;
    SELECT coalesce(array_agg(client_id), '{}') INTO known
    FROM exported WHERE employee_id = who AND day = on_day AND client_id = ANY(wanted);
    SELECT count(*), coalesce(array_agg(id ORDER BY place) FILTER (WHERE most IS NULL OR counted + place <= most), '{}')
    INTO wished, fresh
    FROM (SELECT id, row_number() OVER (ORDER BY min(nth)) AS place
          FROM unnest(wanted) WITH ORDINALITY AS w (id, nth)
          LEFT JOIN unnest(known) AS k (known_id) ON known_id = id
          WHERE known_id IS NULL GROUP BY id) new;
    IF counting THEN
        INSERT INTO exported (employee_id, day, client_id) SELECT who, on_day, unnest(fresh);
        UPDATE export_days SET clients = counted + cardinality(fresh),
            reached = CASE WHEN wished > cardinality(fresh) THEN most ELSE reached END
        WHERE employee_id = who AND day = on_day AND wished > 0;
    END IF;
    RETURN known || fresh;
END $$;
