"""Who of us met a client, and what it said of us, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import TypeVar

from services.clients.holdings.store.owners import ACTING_OWNER_SQL, JOIN_ACTING_OWNER_SQL
from services.clients.relationships import rules
from shared.database import UnitOfWork, to_columns

Record = TypeVar("Record", rules.Interaction, rules.Feedback)

WEIGHT_CASES_SQL = " ".join(f"WHEN '{kind}' THEN {weight}" for kind, weight in rules.INTERACTION_WEIGHTS.items())
INTERACTION_WEIGHT_SQL = f"CASE kind {WEIGHT_CASES_SQL} ELSE 0 END"


def is_staying_sql(person: str) -> str:
    """Whether somebody of us will be here tomorrow too, as far as one knows."""
    return f"coalesce({person}.status = 'active' AND NOT {person}.frozen, false)"


LIST_ACQUAINTANCES_SQL = f"""
    SELECT i.employee_id, CAST(sum({INTERACTION_WEIGHT_SQL}) AS double precision) AS score,
           sum({INTERACTION_WEIGHT_SQL}) >= {rules.MIN_KNOWING_SCORE} AS knows, {is_staying_sql("p")} AS stays,
           count(*) FILTER (WHERE i.kind = 'meeting') AS meetings, count(*) FILTER (WHERE i.kind = 'call') AS calls,
           count(*) FILTER (WHERE i.kind = 'mail') AS mails, max(i.at) AS last_at
    FROM interactions i LEFT JOIN people p ON p.employee_id = i.employee_id
    WHERE i.client_id = :client_id AND i.at > :since AND i.at <= :now
    GROUP BY i.employee_id, p.status, p.frozen ORDER BY score DESC, i.employee_id
"""


def knowing_employees_by_client_sql(condition: str = "true") -> str:
    """Of each client that somebody here knows: how many of them stay, and the best of them, before those who leave."""
    return f"""
        SELECT m.client_id, count(*) FILTER (WHERE {is_staying_sql("p")}) AS staying,
               (array_agg(m.employee_id ORDER BY {is_staying_sql("p")} DESC, m.score DESC, m.employee_id))[1] AS best
        FROM (SELECT client_id, employee_id, sum({INTERACTION_WEIGHT_SQL}) AS score
              FROM interactions WHERE at > :since AND at <= :now AND {condition} GROUP BY client_id, employee_id) m
        JOIN people p ON p.employee_id = m.employee_id
        WHERE m.score >= {rules.MIN_KNOWING_SCORE} AND p.status <> 'left' GROUP BY m.client_id
    """


# Of the rows `k` of `knowing_employees_by_client_sql`, of clients `c`, their owners of record `o` and acting owners `h`: by how
# many who stay a client is known, and if by one at most, on whom it hangs. If nobody knows it, whoever has it in hand counts
# as the one. Whom only people know who are leaving hangs on the best known of them: it goes where they go.
KNOWN_BY_SQL = f"coalesce(k.staying, CASE WHEN {is_staying_sql('h')} THEN 1 ELSE 0 END)"
ALONE_SQL = f"CASE WHEN k.staying > 1 THEN NULL ELSE coalesce(k.best, {ACTING_OWNER_SQL}) END"
DEPENDENCY_REASON_SQL = """CASE WHEN k.staying > 1 THEN NULL WHEN k.staying = 1 THEN 'known_by_one'
    WHEN k.staying = 0 THEN 'only_leaving' ELSE 'owner_alone' END"""

GET_CLIENT_KNOWLEDGE_SQL = f"""
    SELECT c.client_id, {KNOWN_BY_SQL} AS count, CASE WHEN k.staying > 0 THEN k.best END AS strongest_id,
           {ALONE_SQL} AS alone_id, {DEPENDENCY_REASON_SQL} AS why
    FROM clients c LEFT JOIN ({knowing_employees_by_client_sql("client_id = :client_id")}) k USING (client_id)
    {JOIN_ACTING_OWNER_SQL}
    WHERE c.client_id = :client_id
"""


async def get_client_knowledge(work: UnitOfWork, client_id: str) -> rules.ClientKnowledgeShown:
    """Everybody who met the client within twelve months, the best known first, and on whom it hangs; it exists."""
    within = {"client_id": client_id, "since": rules.get_year_before(work.now)}
    known_by = await work.fetch_all(rules.AcquaintanceShown, LIST_ACQUAINTANCES_SQL, **within)
    shape = partial(rules.ClientKnowledgeShown, known_by=known_by, computed_at=work.now)
    (knowledge,) = await work.fetch_all(shape, GET_CLIENT_KNOWLEDGE_SQL, **within)
    return knowledge


SELECT_RECORDS_SQL: Mapping[type, str] = {
    rules.Interaction: "SELECT interaction_id AS id, client_id, employee_id, kind, at, summary FROM interactions",
    rules.Feedback: "SELECT feedback_id AS id, client_id, score, note, at FROM feedback",
}


async def list_interactions_or_feedback(
    work: UnitOfWork, record_type: type[Record], client_id: str, after: tuple[datetime, str] | None, limit: int
) -> list[Record]:
    """Interactions or feedback before the moment and id `after`, newest first."""
    return await work.fetch_all(
        record_type,
        f"""
        SELECT * FROM ({SELECT_RECORDS_SQL[record_type]} WHERE client_id = :client_id) found
        {"WHERE (at, id) < (:at, :after)" if after else ""} ORDER BY at DESC, id DESC LIMIT :limit
        """,
        client_id=client_id,
        limit=limit,
        **({"at": after[0], "after": after[1]} if after else {}),
    )


async def insert_interaction(work: UnitOfWork, interaction: rules.Interaction) -> rules.Interaction | None:
    """The interaction as recorded; None if its id is taken by another."""
    return await work.fetch_one(
        rules.Interaction,
        """
        WITH made AS (
            INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, summary, by_id)
            VALUES (:id, :client_id, :employee_id, :kind, :at, :summary, :actor) ON CONFLICT DO NOTHING RETURNING *
        ), found AS (
            SELECT * FROM made UNION ALL
            SELECT * FROM interactions WHERE interaction_id = :id AND (client_id, employee_id, kind, at)
                = (:client_id, :employee_id, :kind, :at) AND summary IS NOT DISTINCT FROM :summary
        )
        SELECT interaction_id AS id, client_id, employee_id, kind, at, summary FROM found LIMIT 1
        """,
        **asdict(interaction),
    )


async def insert_feedback(
    work: UnitOfWork, client_id: str, feedback_id: str, score: int, note: str | None, at: datetime | None
) -> rules.Feedback | None:
    """The feedback as recorded, now unless `at` says when; None if its id is taken by another."""
    return await work.fetch_one(
        rules.Feedback,
        """
        WITH made AS (
            INSERT INTO feedback (feedback_id, client_id, score, note, at, by_id)
            VALUES (:id, :client_id, :score, :note, coalesce(CAST(:at AS timestamptz), :now), :actor)
            ON CONFLICT DO NOTHING RETURNING *
        ), found AS (
            SELECT * FROM made UNION ALL
            SELECT * FROM feedback WHERE feedback_id = :id AND (client_id, score) = (:client_id, :score)
                AND note IS NOT DISTINCT FROM :note AND at = coalesce(CAST(:at AS timestamptz), at)
        )
        SELECT feedback_id AS id, client_id, score, note, at FROM found LIMIT 1
        """,
        client_id=client_id,
        id=feedback_id,
        score=score,
        note=note,
        at=at,
    )


# -- importing ---------------------------------------------------------------------------------------------------------
# Each gives what became of the rows in their order: `created` or `updated`.

UPSERT_INTERACTIONS_SQL = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:id AS text[]), CAST(:client_id AS text[]), CAST(:employee_id AS text[]),
                             CAST(:kind AS text[]), CAST(:at AS timestamptz[]), CAST(:summary AS text[]))
               WITH ORDINALITY AS g (id, client_id, employee_id, kind, at, summary, nth)
    ), before AS MATERIALIZED (
        SELECT interaction_id AS id FROM interactions WHERE interaction_id = ANY(CAST(:id AS text[]))
    ), written AS (
        INSERT INTO interactions (interaction_id, client_id, employee_id, kind, at, summary, by_id)
        SELECT id, client_id, employee_id, kind, at, summary, :actor FROM given ORDER BY id
        ON CONFLICT (interaction_id) DO UPDATE SET client_id = excluded.client_id, employee_id = excluded.employee_id,
            kind = excluded.kind, at = excluded.at, summary = excluded.summary, by_id = excluded.by_id
    )
    SELECT CASE WHEN before.id IS NULL THEN 'created' ELSE 'updated' END AS outcome
    FROM given LEFT JOIN before USING (id) ORDER BY nth
"""

UPSERT_FEEDBACK_SQL = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:id AS text[]), CAST(:client_id AS text[]), CAST(:score AS int[]),
                             CAST(:at AS timestamptz[]), CAST(:note AS text[]))
               WITH ORDINALITY AS g (id, client_id, score, at, note, nth)
    ), before AS MATERIALIZED (
        SELECT feedback_id AS id FROM feedback WHERE feedback_id = ANY(CAST(:id AS text[]))
    ), written AS (
        INSERT INTO feedback (feedback_id, client_id, score, note, at, by_id)
        SELECT id, client_id, score, note, at, :actor FROM given ORDER BY id
        ON CONFLICT (feedback_id) DO UPDATE SET client_id = excluded.client_id, score = excluded.score,
            note = excluded.note, at = excluded.at, by_id = excluded.by_id
    )
    SELECT CASE WHEN before.id IS NULL THEN 'created' ELSE 'updated' END AS outcome
    FROM given LEFT JOIN before USING (id) ORDER BY nth
"""


async def upsert_interactions(work: UnitOfWork, interactions: Sequence[rules.Interaction]) -> list[str]:
    columns = to_columns(interactions, "id", "client_id", "employee_id", "kind", "at", "summary")
    return await work.fetch_values(UPSERT_INTERACTIONS_SQL, **columns)


async def upsert_feedback(work: UnitOfWork, feedback: Sequence[rules.Feedback]) -> list[str]:
    columns = to_columns(feedback, "id", "client_id", "score", "at", "note")
    return await work.fetch_values(UPSERT_FEEDBACK_SQL, **columns)


# -- merged and erased clients -----------------------------------------------------------------------------------------


async def merge_relationships(work: UnitOfWork, client_id: str, into_id: str) -> None:
    for table in ("interactions", "feedback"):
        await work.execute(
            f"UPDATE {table} SET client_id = :into_id WHERE client_id = :client_id",
            client_id=client_id,
            into_id=into_id,
        )


async def erase_texts_of_employee(work: UnitOfWork, employee_id: str) -> dict[str, int]:
    """Empties the summaries that are of or by this person, and their notes of feedback; how many of each."""
    return await _erase_texts(work, "(:id = employee_id OR :id = by_id)", ":id = by_id", id=employee_id)


async def erase_texts_of_client(work: UnitOfWork, client_id: str) -> dict[str, int]:
    """Empties the summaries and the notes of feedback; how many of each."""
    return await _erase_texts(work, "client_id = :id", "client_id = :id", id=client_id)


async def erase_texts_naming(work: UnitOfWork, client_id: str, words: Sequence[str]) -> dict[str, int]:
    """Empties the summaries and notes in which one of these words (in lower case) stands; how many of each."""
    naming = """client_id = :id AND EXISTS (
        SELECT 1 FROM unnest(CAST(:words AS text[])) AS named (word) WHERE position(word IN lower({text})) > 0)"""
    return await _erase_texts(
        work, naming.format(text="summary"), naming.format(text="note"), id=client_id, words=list(words)
    )


async def _erase_texts(work: UnitOfWork, interactions: str, feedback: str, **named: object) -> dict[str, int]:
    return {
        "summaries": await work.execute(
            f"UPDATE interactions SET summary = NULL WHERE summary IS NOT NULL AND {interactions}", **named
        ),
        "feedback_notes": await work.execute(
            f"UPDATE feedback SET note = NULL WHERE note IS NOT NULL AND {feedback}", **named
        ),
    }
