"""Absences: those that people enter, by id; and those of the HRIS, which has no ids but says `absent` and `back`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from shared.contracts.staff import Absence


@dataclass(frozen=True)
class Said:
    """Until which day (inclusive; None: open), according to news of this moment."""

    until: date | None
    at: datetime


@dataclass(frozen=True)
class HrisAbsences:
    """The newest word of the HRIS for each first day: in `absent`, and in `back`. Any order of the same news gives the same."""

    absent: Mapping[date, Said] = field(default_factory=dict)
    back: Mapping[date, Said] = field(default_factory=dict)


def hear_absence(
    absences: HrisAbsences, kind: Literal["absent", "back"], day: date, until: date | None, at: datetime
) -> HrisAbsences | None:
    """None if newer news of the same kind and day is known."""
    known: Mapping[date, Said] = getattr(absences, kind)
    if day in known and known[day].at > at:
        return None
    return replace(absences, **{kind: {**known, day: Said(until, at)}})


def according_to_hris(absences: HrisAbsences) -> list[Absence]:
    """The absences that follow: `back` ends what began on or before its day and was said earlier.

    It ends it with the day before, or with its own `until` where it names one.
    """
    found = []
    for first, said in sorted(absences.absent.items()):
        ends = [
            back.until or day - timedelta(days=1)
            for day, back in absences.back.items()
            if back.at >= said.at and first <= day
        ]
        last = min([*ends, *([said.until] if said.until else [])], default=None)
        if last is None or last >= first:
            found.append(Absence(absence_id=f"hris-{first}", from_day=first, until_day=last))
    return found


def present_and_future(entered: Iterable[Absence], hris: HrisAbsences, today: date) -> list[Absence]:
    """All absences that are not over, by their first day."""
    everything = [*entered, *according_to_hris(hris)]
    return sorted(
        (absence for absence in everything if absence.until_day is None or absence.until_day >= today),
        key=lambda absence: (absence.from_day, absence.absence_id),
    )
