-- All entries: those of the tree, and those that wait for the sequencer.
CREATE OR REPLACE VIEW journal_entries AS
SELECT index, id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details
FROM journal
UNION ALL
SELECT NULL, id, leaf, at, kind, actor, employee, client, action, reason, system, employees, clients, details
FROM journal_pending;
-- The one row that whoever is the sequencer locks.
INSERT INTO journal_tree (one, size, frontier) VALUES (true, 0, '') ON CONFLICT DO NOTHING;
