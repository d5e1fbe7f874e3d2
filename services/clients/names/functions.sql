-- In the database, because every statement that writes the journal needs it and most find what they look for.
CREATE OR REPLACE FUNCTION surrogate_of(wanted_kind text, wanted_id text) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE found uuid;
BEGIN
    SELECT surrogate INTO found FROM surrogates WHERE id = wanted_id AND kind = wanted_kind;
    IF found IS NULL THEN
        INSERT INTO surrogates (kind, id) VALUES (wanted_kind, wanted_id) ON CONFLICT DO NOTHING;
        SELECT surrogate INTO found FROM surrogates WHERE id = wanted_id AND kind = wanted_kind;
    END IF;
    RETURN found;
END $$;
