"""The brake: a faulty export of the HRIS must not freeze a company."""

from services.staff.domain.person import Person

AT_LEAST = 3
FREEZE_SHARE = 10  # percent of staff that may be frozen on a mere suspicion


def departures_allowed(setting: str, staff: int) -> int:
    """How many departures a source may announce on one day: a share (`5%`, at least 3), or a plain number as it is."""
    if setting.endswith("%"):
        return max(AT_LEAST, int(float(setting[:-1]) * staff / 100))
    return int(float(setting))


def may_freeze_held(wanted: bool, frozen: int, staff: int) -> bool:
    """Whether one more of those held may be frozen, while `frozen` of them are."""
    return wanted and (frozen + 1) * 100 <= FREEZE_SHARE * staff


def is_new_departure(before: Person, after: Person) -> bool:
    """Whether this is a departure that nobody announced before: only such count for the brake."""
    return before.employment_id == after.employment_id and before.status == "active" and after.status != "active"
