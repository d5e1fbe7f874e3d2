"""Which clients of a leaver are at risk, worst first, and how each should be handed over.

    score = 0.40 value + 0.25 alone + 0.20 opened + 0.15 phase       each from 0 to 1

- value: the client's value in relation to the largest of the portfolio (square root, so that a middling client counts)
- alone: the leaver's share of how well the client is known (a meeting weighs more than a mail, 12 months back); if nobody
  met it 1 if nobody else of us is in its team, else 0.5
- opened: what the leaver read and exported of it lately, an export counting as ten reads, against 20 such reads
- phase: of the leaver's sales curve; the same for the whole portfolio
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from services.offboarding.portfolios.rules import PortfolioClient

RISK_OF_SALES_PHASE: Mapping[str, float] = {"decline": 1.0, "plateau": 0.6, "unclear": 0.5, "growth": 0.3}

READS_PER_EXPORT = 10  # reads

READS_AT_HALF_RISK = 20  # reads at which `opened` is half of its weight

REASONS_ABOUT_USAGE = frozenset({"exported", "much_read"})  # reasons that tell what the leaver used

REASON_THRESHOLD = 0.5  # from this on a part of the score is named as a reason


@dataclass(frozen=True, slots=True)
class ClientRisk:
    """`rank` from 1; `score` from 0 to 1; `reasons` in words of ours."""

    client_id: str
    rank: int
    score: float
    reasons: tuple[str, ...]


def rank_clients(leaver_id: str, clients: Sequence[PortfolioClient], sales_phase: str = "unclear") -> list[ClientRisk]:
    """All clients, the one at the greatest risk first; equal ones by id, so that equal input gives an equal list."""
    largest = max((client.value for client in clients), default=0.0)
    curve = RISK_OF_SALES_PHASE.get(sales_phase, RISK_OF_SALES_PHASE["unclear"])
    scored = []
    for client in clients:
        value = sqrt(client.value / largest) if largest > 0 else 0.0
        only = compute_sole_contact_share(leaver_id, client)
        looked = client.reads + READS_PER_EXPORT * client.exports
        opened = looked / (looked + READS_AT_HALF_RISK)
        score = 0.40 * value + 0.25 * only + 0.20 * opened + 0.15 * curve
        named = {
            "high_value": value >= REASON_THRESHOLD,
            "only_contact": only >= REASON_THRESHOLD,
            "exported": client.exports > 0,
            "much_read": opened >= REASON_THRESHOLD and not client.exports,
            "sales_decline": sales_phase == "decline",
        }
        scored.append((-score, client.client_id, tuple(word for word, true in named.items() if true)))
    return [ClientRisk(id, place, round(-score, 6), why) for place, (score, id, why) in enumerate(sorted(scored), 1)]


def compute_sole_contact_share(leaver_id: str, client: PortfolioClient) -> float:
    known = sum(client.scores.values())
    if known:
        return client.scores.get(leaver_id, 0) / known
    return 1.0 if set(client.team.values()) <= {leaver_id} else 0.5


def compute_familiarity(scores: Mapping[str, float]) -> dict[str, float]:
    """How well each of us knows a client, from 0 to 1, out of the scores of `clients`: three meetings make half."""
    return {who: score / (score + 3) for who, score in scores.items() if score > 0}
