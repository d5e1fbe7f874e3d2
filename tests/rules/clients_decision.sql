WITH asked AS (
        SELECT CAST($1 AS text) AS employee_id, CAST($2 AS text) AS client_id, CAST($3 AS text) AS action,
               CAST($4 AS text) AS sub, CAST($5 AS int) AS reach, CAST($6 AS text) AS system, CAST($7 AS uuid) AS actor,
               CAST($8 AS uuid) AS leaf, CAST($9 AS timestamptz) AS moment, CAST($10 AS text) AS day
    ) INSERT INTO journal_pending (leaf, at, actor, system, kind, employee, client, action, reason) SELECT leaf, moment, actor, system, 'access.checked', coalesce((SELECT surrogate FROM surrogates s WHERE s.id = d.employee_id AND s.kind = 'employee'),
    CASE WHEN d.employee_known THEN surrogate_of('employee', d.employee_id) END), client, action, reason FROM (
    SELECT a.*, CASE
    WHEN p.employee_id IS NULL OR (p.status IS NULL AND NOT p.frozen) THEN 'unknown_employee'
    WHEN c.client_id IS NULL THEN 'unknown_client'
    WHEN p.status = 'left' THEN 'not_employed'
    WHEN p.frozen THEN CASE WHEN EXISTS (
    SELECT 1 FROM passes v WHERE v.employee_id = a.employee_id AND v.client_id = a.client_id AND v.withdrawn_at IS NULL AND v.from_time <= a.moment AND a.moment < v.until_time
    AND (v.purpose, a.action) IN (('introduction', 'contact'), ('introduction', 'read'), ('work', 'contact'), ('work', 'edit'), ('work', 'read'))) THEN 'pass' ELSE 'frozen' END
    WHEN coalesce(p.unacknowledged_from <= CAST(a.day AS date), false) THEN 'policy_not_acknowledged'
    WHEN coalesce(o.employee_id = a.employee_id AND o.stand_in_id IS NULL AND NOT o.settling, false) THEN 'owner' WHEN coalesce(o.stand_in_id = a.employee_id AND o.stand_in_id IS NOT NULL, false) THEN 'caretaker'
    ELSE CASE 1 * CAST(EXISTS (SELECT 1 FROM (SELECT client_id, employee_id FROM team UNION ALL SELECT client_id, employee_id FROM open_stages) s WHERE s.employee_id = a.employee_id AND s.client_id = c.client_id AND NOT p.settling) AS int) + 2 * CAST(coalesce(h.deputy_id = a.employee_id AND jsonb_path_exists(h.absences, '$[*] ? (@.from_day <= $day && (@.until_day == null || @.until_day >= $day))', jsonb_build_object('day', a.day)), false) AS int) + 4 * CAST(EXISTS (SELECT 1 FROM heads WHERE heads.head_id = a.employee_id AND heads.department_id IN (o.department_id, h.department_id)) AS int) WHEN 0 THEN 'no_relation' WHEN 1 THEN CASE WHEN a.action IN ('contact', 'list', 'read') THEN 'team' ELSE 'action_not_allowed' END WHEN 2 THEN CASE WHEN a.action IN ('contact', 'edit', 'list', 'read') THEN 'deputy' ELSE 'action_not_allowed' END WHEN 3 THEN CASE WHEN a.action IN ('contact', 'list', 'read') THEN 'team' WHEN a.action IN ('contact', 'edit', 'list', 'read') THEN 'deputy' ELSE 'action_not_allowed' END WHEN 4 THEN CASE WHEN a.action IN ('contact', 'export', 'list', 'read') THEN 'head' ELSE 'action_not_allowed' END WHEN 5 THEN CASE WHEN a.action IN ('contact', 'list', 'read') THEN 'team' WHEN a.action IN ('contact', 'export', 'list', 'read') THEN 'head' ELSE 'action_not_allowed' END WHEN 6 THEN CASE WHEN a.action IN ('contact', 'edit', 'list', 'read') THEN 'deputy' WHEN a.action IN ('contact', 'export', 'list', 'read') THEN 'head' ELSE 'action_not_allowed' END WHEN 7 THEN CASE WHEN a.action IN ('contact', 'list', 'read') THEN 'team' WHEN a.action IN ('contact', 'edit', 'list', 'read') THEN 'deputy' WHEN a.action IN ('contact', 'export', 'list', 'read') THEN 'head' ELSE 'action_not_allowed' END END END AS reason, p.department_id,
           p.status IS NOT NULL OR coalesce(p.frozen, false) AS employee_known, c.client_id IS NOT NULL AS client_known,
           c.surrogate AS client, coalesce(p.frozen OR p.status = 'left', false) AS barred
    FROM asked a
    LEFT JOIN people p ON p.employee_id = a.employee_id
    LEFT JOIN clients c ON c.client_id = a.client_id

    LEFT JOIN people o ON o.employee_id = c.owner_id
    LEFT JOIN people h ON h.employee_id = coalesce(o.stand_in_id, CASE WHEN NOT o.settling THEN o.employee_id END)

) d WHERE (d.employee_id = d.sub OR (
    d.reach > 0 AND NOT EXISTS (
        SELECT 1 FROM people caller WHERE caller.employee_id = d.sub AND (caller.frozen OR caller.status = 'left'))
    AND (d.reach = 2 OR EXISTS (
        SELECT 1 FROM heads WHERE heads.department_id = d.department_id AND heads.head_id = d.sub)))) AND NOT (reason = 'unknown_client' AND EXISTS (
        SELECT 1 FROM external_ids m WHERE m.system = 'merged' AND m.id = d.client_id))
    RETURNING leaf, reason
