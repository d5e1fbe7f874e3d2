-- The one form of a leaf: what is hashed is byte for byte what is exported. Text by hand, so that the fields stand
-- in one order without what is empty; within `details` the order is that of PostgreSQL's jsonb, which its versions have
-- kept.
CREATE OR REPLACE FUNCTION leaf_text(leaf uuid, at timestamptz, kind text, actor uuid, employee uuid, client uuid, action text,
                          reason text, system text, employees uuid[], clients uuid[], details jsonb)
RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN '{"leaf":"' || leaf || '","at":"' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","kind":' || CAST(to_json(kind) AS text)
    || coalesce(',"actor":"' || actor || '"', '') || coalesce(',"employee":"' || employee || '"', '')
    || coalesce(',"client":"' || client || '"', '') || coalesce(',"action":' || to_json(action), '')
    || coalesce(',"reason":' || to_json(reason), '') || coalesce(',"system":' || to_json(system), '')
    || coalesce(',"employees":' || to_json(employees), '') || coalesce(',"clients":' || to_json(clients), '')
    || coalesce(',"details":' || CAST(details AS text), '') || '}';
