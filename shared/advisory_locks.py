"""The numbers of all advisory locks, so that no two meanings share one."""

from enum import IntEnum


class AdvisoryLock(IntEnum):
    """What each number guards. `PEOPLE` is the first of two keys, the second being a place in its queue."""

    MIGRATION = 7283
    HIERARCHY = 7284
    PEOPLE = 7285
    ARCHIVE = 7286
    POLICY_DEADLINES = 7287
    POLICY = 7288  # with the hash of the policy's id
    RISKS = 7289
