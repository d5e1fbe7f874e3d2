"""When it may be looked at what an employee used, and what of it is unusual for them: evidence, never a verdict.

A day is compared with this person's own earlier days of the same weekday by the modified z-score of Iglewicz and Hoaglin
(How to Detect and Handle Outliers, ASQC 1993): 0.6745 (x - median) / MAD, where MAD is the median of |x - median|; an
outlier is above 3.5. Where more than half of the days are equal the MAD is 0, and the mean of |x - median| takes its
place: (x - median) / (1.253314 mean).

Hours are compared by how often they were used: an hour is one of theirs if on at least one in twenty of the earlier days
something was used in it or in the hour before or after, counting Monday to Friday and the weekend apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import fmean, median
from typing import Literal, get_args

MIN_EARLIER_DAYS = 20  # earlier days with any use, without which nothing is said of habit
MIN_DAYS_OF_WEEKDAY = 3  # below this the days of all weekdays are compared with
MIN_BULK_ROWS = 50  # rows; a day of no more is no bulk, whatever the habit
OUTLIER_SCORE = 3.5
MAD_FACTOR, MEAN_FACTOR = 1 / 0.6745, 1.253314
USUAL_HOUR_SHARE = 1 / 20
ExposureBasis = Literal["notice", "incident"]
HabitFlag = Literal["bulk_read", "off_hours"]
ClientFlagName = Literal["bulk_read", "off_hours", "export", "not_their_client"]
CLIENT_FLAGS: tuple[ClientFlagName, ...] = get_args(ClientFlagName)
TOO_FEW_EARLIER_DAYS = f"fewer than {MIN_EARLIER_DAYS} earlier days on which anything was used"


def find_exposure_basis(status: str | None, *, is_departing: bool, has_incident: bool) -> ExposureBasis | None:
    """What allows to look: nobody is watched for nothing. `is_departing`: a departure is in force, whatever is heard of it."""
    if is_departing or status in ("resigned", "left"):
        return "notice"
    return "incident" if has_incident else None


@dataclass(frozen=True, slots=True)
class UsageDay:
    """What was read, listed and exported on a day of the company."""

    day: date
    rows_by_hour: Mapping[int, int]

    @property
    def rows(self) -> int:
        return sum(self.rows_by_hour.values())

    @property
    def is_weekend(self) -> bool:
        return self.day.weekday() >= 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence, never a verdict: `count` rows on this day (`bulk_read`), or in these `hours` of it (`off_hours`), against
    `earlier_days` days."""

    flag: HabitFlag
    day: date
    count: int
    earlier_days: int
    median: float | None = None
    threshold: float | None = None
    hours: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class UnusualUse:
    """`unknown` says why nothing can be said."""

    earlier_days: int
    evidence: tuple[Evidence, ...] = ()
    unknown: str | None = None


def find_unusual_use(days: Iterable[UsageDay], since: date) -> UnusualUse:
    """The days from `since` on against all that come before it; days without any use are none."""
    used = sorted((day for day in days if day.rows > 0), key=lambda day: day.day)
    earlier, looked_at = [day for day in used if day.day < since], [day for day in used if day.day >= since]
    if len(earlier) < MIN_EARLIER_DAYS:
        return UnusualUse(len(earlier), unknown=TOO_FEW_EARLIER_DAYS)
    found = []
    for day in looked_at:
        found += [*_find_bulk_read(day, earlier), *_find_off_hours(day, earlier)]
    return UnusualUse(len(earlier), tuple(found))


def compute_median_and_bulk_threshold(counts: Sequence[int]) -> tuple[float, float]:
    """The median, and the count above which a day is an outlier among these."""
    middle = median(counts)
    away = [abs(count - middle) for count in counts]
    spread = median(away) * MAD_FACTOR or fmean(away) * MEAN_FACTOR
    return float(middle), max(middle + OUTLIER_SCORE * spread, float(MIN_BULK_ROWS))


def _find_bulk_read(day: UsageDay, earlier: Sequence[UsageDay]) -> list[Evidence]:
    same = [other.rows for other in earlier if other.day.weekday() == day.day.weekday()]
    counts = same if len(same) >= MIN_DAYS_OF_WEEKDAY else [other.rows for other in earlier]
    middle, limit = compute_median_and_bulk_threshold(counts)
    if day.rows <= limit:
        return []
    return [Evidence("bulk_read", day.day, day.rows, len(counts), middle, round(limit, 1))]


def _find_off_hours(day: UsageDay, earlier: Sequence[UsageDay]) -> list[Evidence]:
    theirs = find_usual_hours(earlier, is_weekend=day.is_weekend)
    hours = tuple(sorted(hour for hour, rows in day.rows_by_hour.items() if rows > 0 and hour not in theirs))
    if not hours:
        return []
    count = sum(day.rows_by_hour[hour] for hour in hours)
    return [Evidence("off_hours", day.day, count, len(earlier), hours=hours)]


def find_usual_hours(earlier_days: Sequence[UsageDay], *, is_weekend: bool) -> frozenset[int]:
    """The hours in which this person uses clients on days of the week, or at weekends."""
    alike = [
        {hour for hour, rows in day.rows_by_hour.items() if rows > 0}
        for day in earlier_days
        if day.is_weekend == is_weekend
    ]
    needed = USUAL_HOUR_SHARE * len(earlier_days)
    return frozenset(
        hour for hour in range(24) if sum(not used.isdisjoint({hour - 1, hour, hour + 1}) for used in alike) >= needed
    )


# -- what is shown -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReportingSystem:
    """A system that reports what is used, from its first to its last report. `silent`: it reported nothing in these days,
    so that nothing of it does not mean that nothing happened; nor does what was before `since`."""

    system: str
    since: datetime
    last: datetime
    silent: bool


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """`rows`: records that were read, listed or exported."""

    clients: int
    reads: int
    exports: int
    rows: int


@dataclass(frozen=True, slots=True)
class DecisionCounts:
    """How often systems asked whether this person may do something. A question is no use, and counts nowhere else."""

    asked: int
    allowed: int


@dataclass(frozen=True, slots=True)
class ClientFlag:
    """Evidence, never a verdict: `count` exports (`export`), uses while the client was in no way theirs
    (`not_their_client`), or rows on days and in hours that are unlike their habit; `day` is the last of it.

    Whose a client was, and passes, are looked up as of then; teams, stages, heads and deputies as they are now.
    """

    flag: ClientFlagName
    count: int
    day: date


@dataclass(frozen=True, slots=True)
class ClientUsage:
    """What was used of one client."""

    client_id: str
    reads: int
    exports: int
    rows: int
    last_at: datetime
    flags: Sequence[ClientFlag]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureShown:
    """From `lookback_from` until now, as other systems report it and as our own doors gave it. Days are the company's.

    Clients with the most exports come first, then those with the most rows, then by id.
    """

    items: Sequence[ClientUsage]
    next_cursor: str | None = None
    employee_id: str
    basis: ExposureBasis
    notice_on: date | None
    incident_on: date | None
    lookback_from: date
    until: datetime
    reporting: Sequence[ReportingSystem]
    totals: UsageTotals
    decisions: DecisionCounts
    unusual: UnusualUse
