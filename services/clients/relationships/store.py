"""Who of us met a client, and what it said of us, newest first."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from services.clients.relationships import rules
from shared.database import UnitOfWork

WEIGHT_CASES_SQL = " ".join(f"WHEN '{kind}' THEN {weight}" for kind, weight in rules.INTERACTION_WEIGHTS.items())
INTERACTION_WEIGHT_SQL = f"CASE kind {WEIGHT_CASES_SQL} ELSE 0 END"


def is_staying_sql(person: str) -> str:
    """Whether somebody of us will be here tomorrow too, as far as one knows."""
    return f"coalesce({person}.status = 'active' AND NOT {person}.frozen, false)"


LIST_ACQUAINTANCES_SQL = f"""
    SELECT i.employee_id, sum({INTERACTION_WEIGHT_SQL}) AS score, coalesce(p.status <> 'left', false) AS is_employed,
           {is_staying_sql("p")} AS stays,
           count(*) FILTER (WHERE i.kind = 'meeting') AS meetings, count(*) FILTER (WHERE i.kind = 'call') AS calls,
           count(*) FILTER (WHERE i.kind = 'mail') AS mails, max(i.at) AS last_at
    FROM interactions i LEFT JOIN people p ON p.employee_id = i.employee_id
    WHERE i.client_id = :client_id AND i.at > :since AND i.at <= :now
    GROUP BY i.employee_id, p.status, p.frozen ORDER BY score DESC, i.employee_id
"""


async def list_interactions_by_employee(work: UnitOfWork, client_id: str) -> list[rules.InteractionsOfEmployee]:
    """Everybody who met the client within twelve months, the best known first."""
    return await work.fetch_all(
        rules.InteractionsOfEmployee,
        LIST_ACQUAINTANCES_SQL,
        client_id=client_id,
        since=rules.get_year_before(work.now),
        now=work.now,
    )


async def get_acting_owner(work: UnitOfWork, client_id: str) -> tuple[str, bool]:
    """Who has the client in hand, and whether they stay; it exists."""
    row = await work.fetch_row(
        f"""
        SELECT coalesce(o.stand_in_id, c.owner_id) AS owner_id, {is_staying_sql("h")} AS stays
        FROM clients c LEFT JOIN people o ON o.employee_id = c.owner_id
        LEFT JOIN people h ON h.employee_id = coalesce(o.stand_in_id, c.owner_id) WHERE c.client_id = :client_id
        """,
        client_id=client_id,
    )
    assert row is not None  # noqa: S101 - the decision saw it
    return row["owner_id"], row["stays"]


async def list_interactions(
    work: UnitOfWork, client_id: str, after: tuple[datetime, str] | None, limit: int
) -> list[rules.Interaction]:
    """Those before the moment and id `after`, newest first."""
    return await work.fetch_all(
        rules.Interaction,
        f"""
        SELECT interaction_id AS id, client_id, employee_id, kind, at, summary FROM interactions
        WHERE client_id = :client_id {"AND (at, interaction_id) < (:at, :after)" if after else ""}
        ORDER BY at DESC, interaction_id DESC LIMIT :limit
        """,
        client_id=client_id,
        limit=limit,
        **({"at": after[0], "after": after[1]} if after else {}),
    )


async def list_feedback(
    work: UnitOfWork, client_id: str, after: tuple[datetime, str] | None, limit: int
) -> list[rules.Feedback]:
    """Those before the moment and id `after`, newest first."""
    return await work.fetch_all(
        rules.Feedback,
        f"""
        SELECT feedback_id AS id, client_id, score, note, at FROM feedback
        WHERE client_id = :client_id {"AND (at, feedback_id) < (:at, :after)" if after else ""}
        ORDER BY at DESC, feedback_id DESC LIMIT :limit
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
            VALUES (:id, :client_id, :employee_id, :kind, :at, :summary, :by) ON CONFLICT DO NOTHING RETURNING *
        ), found AS (
            SELECT * FROM made UNION ALL
            SELECT * FROM interactions WHERE interaction_id = :id AND (client_id, employee_id, kind, at)
                = (:client_id, :employee_id, :kind, :at) AND summary IS NOT DISTINCT FROM :summary
        )
        SELECT interaction_id AS id, client_id, employee_id, kind, at, summary FROM found LIMIT 1
        """,
        by=work.actor,
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
            VALUES (:id, :client_id, :score, :note, coalesce(CAST(:at AS timestamptz), :now), :by)
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
        now=work.now,
        by=work.actor,
    )


# -- importing ---------------------------------------------------------------------------------------------------------
# Each gives what became of the rows in their order: `created` or `updated`.

UPSERT_INTERACTIONS_SQL = """
    WITH given AS (
        SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:clients AS text[]), CAST(:employees AS text[]),
                             CAST(:kinds AS text[]), CAST(:moments AS timestamptz[]), CAST(:summaries AS text[]))
               WITH ORDINALITY AS g (id, client_id, employee_id, kind, at, summary, nth)
    ), before AS MATERIALIZED (
        SELECT interaction_id AS id FROM interactions WHERE interaction_id = ANY(CAST(:keys AS text[]))
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
        SELECT * FROM unnest(CAST(:keys AS text[]), CAST(:clients AS text[]), CAST(:scores AS int[]),
                             CAST(:moments AS timestamptz[]), CAST(:notes AS text[]))
               WITH ORDINALITY AS g (id, client_id, score, at, note, nth)
    ), before AS MATERIALIZED (
        SELECT feedback_id AS id FROM feedback WHERE feedback_id = ANY(CAST(:keys AS text[]))
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
    upserted = await work.fetch_rows(
        UPSERT_INTERACTIONS_SQL,
        keys=[interaction.id for interaction in interactions],
        clients=[interaction.client_id for interaction in interactions],
        employees=[interaction.employee_id for interaction in interactions],
        kinds=[interaction.kind for interaction in interactions],
        moments=[interaction.at for interaction in interactions],
        summaries=[interaction.summary for interaction in interactions],
        actor=work.actor,
    )
    return [row["outcome"] for row in upserted]


async def upsert_feedback(work: UnitOfWork, feedback: Sequence[rules.Feedback]) -> list[str]:
    upserted = await work.fetch_rows(
        UPSERT_FEEDBACK_SQL,
        keys=[one.id for one in feedback],
        clients=[one.client_id for one in feedback],
        scores=[one.score for one in feedback],
        moments=[one.at for one in feedback],
        notes=[one.note for one in feedback],
        actor=work.actor,
    )
    return [row["outcome"] for row in upserted]


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
