"""Which clients of a leaver are at risk, and how each is handed over."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from services.offboarding.introductions.rules import choose_introduction_form
from services.offboarding.portfolios.rules import PortfolioClient
from services.offboarding.risks.rules import compute_familiarity, compute_sole_contact_share, rank_clients


def in_portfolio(
    client_id: str,
    value: float = 0.0,
    scores: Mapping[str, float] | None = None,
    team: Mapping[str, str] | None = None,
    reads: int = 0,
    exports: int = 0,
) -> PortfolioClient:
    return PortfolioClient(
        client_id, "lea", "active", 1.0, value, (), (), team or {}, scores or {}, reads=reads, exports=exports
    )


RISKS = st.lists(
    st.builds(
        in_portfolio,
        client_id=st.text("abcdef", min_size=1, max_size=5),
        value=st.floats(0, 1e9),
        scores=st.dictionaries(st.sampled_from(["lea", "max", "ida"]), st.integers(0, 50)),
        reads=st.integers(0, 1000),
        exports=st.integers(0, 50),
    ),
    unique_by=lambda client: client.client_id,
    max_size=8,
)


def ids(clients: list[PortfolioClient], phase: str = "unclear") -> list[str]:
    return [risk.client_id for risk in rank_clients("lea", clients, phase)]


def test_the_more_valuable_client_comes_first() -> None:
    assert ids([in_portfolio("a", value=10), in_portfolio("b", value=1000)]) == ["b", "a"]


def test_who_is_known_by_the_leaver_alone_comes_before_who_is_known_by_others_too() -> None:
    shared, lonely = in_portfolio("a", 10, {"lea": 5, "max": 5}), in_portfolio("b", 10, {"lea": 5})
    assert ids([shared, lonely]) == ["b", "a"]


def test_who_was_exported_comes_before_who_was_read_as_often() -> None:
    assert ids([in_portfolio("a", reads=3), in_portfolio("b", exports=3)]) == ["b", "a"]


def test_equal_risks_are_in_the_order_of_their_ids() -> None:
    assert ids([in_portfolio("b"), in_portfolio("a"), in_portfolio("c")]) == ["a", "b", "c"]


def test_a_decline_of_sales_raises_every_score_and_is_named() -> None:
    client = in_portfolio("a", 10)
    falling, growing = rank_clients("lea", [client], "decline")[0], rank_clients("lea", [client], "growth")[0]
    assert falling.score > growing.score
    assert "sales_decline" in falling.reasons


def test_the_reasons_are_named() -> None:
    client = in_portfolio("a", 100, {"lea": 9, "max": 1}, reads=2, exports=1)
    assert rank_clients("lea", [client, in_portfolio("b", 1, {"max": 1})])[0].reasons == (
        "high_value",
        "only_contact",
        "exported",
    )


def test_without_contacts_a_team_of_others_halves_the_loneliness() -> None:
    assert compute_sole_contact_share("lea", in_portfolio("a")) == 1.0
    assert compute_sole_contact_share("lea", in_portfolio("a", team={"sales": "lea"})) == 1.0
    assert compute_sole_contact_share("lea", in_portfolio("a", team={"engineering": "max"})) == 0.5


def test_three_contacts_are_half_of_knowing_somebody() -> None:
    assert compute_familiarity({"max": 3, "ida": 0}) == {"max": 0.5}


def test_the_first_fifth_meets_the_next_two_are_called_and_the_rest_get_a_letter() -> None:
    assert [choose_introduction_form(place, 10) for place in range(1, 11)] == ["meeting"] * 3 + ["call"] * 3 + [
        "letter"
    ] * 4


@settings(deadline=None)
@given(RISKS, st.sampled_from(["growth", "plateau", "decline", "unclear"]))
def test_every_client_is_ranked_once_between_nought_and_one(clients: list[PortfolioClient], phase: str) -> None:
    ranked = rank_clients("lea", clients, phase)
    assert sorted(risk.client_id for risk in ranked) == sorted(client.client_id for client in clients)
    assert [risk.rank for risk in ranked] == list(range(1, len(clients) + 1))
    assert all(0 <= risk.score <= 1 for risk in ranked)
    assert [risk.score for risk in ranked] == sorted((risk.score for risk in ranked), reverse=True)


@settings(deadline=None)
@given(RISKS, st.randoms(use_true_random=False))
def test_the_order_of_the_portfolio_makes_no_difference(clients: list[PortfolioClient], random: object) -> None:
    shuffled = list(clients)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rank_clients("lea", shuffled) == rank_clients("lea", clients)
