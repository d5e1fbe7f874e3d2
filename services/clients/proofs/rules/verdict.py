"""What a verification found: each fault with where it is."""

from dataclasses import dataclass, field, replace

MAX_FAULTS = 100

FAULT_SENTENCES = {
    "not_a_journal": "The first line is not that of an exported journal, or it was changed.",
    "key": "The file names another key than the given one, or none that can be used.",
    "changed": "An entry is not what was hashed, or its hash was changed.",
    "missing": "Entries are missing.",
    "inserted": "Entries were put in.",
    "moved": "Entries stand in another order.",
    "hashes_missing": "The line with the hashes of these entries is missing or was changed.",
    "miscounted": "There are more or fewer hashes than entries should be here.",
    "misplaced": "A line stands where it does not belong.",
    "garbage": "A line is none of a journal, or it was changed.",
    "forged": "A checkpoint is not signed with the key, or it was changed.",
    "disagrees": "The entries up to here have another root than this checkpoint says: at least one of them was changed.",
    "contradicts": "The given checkpoint knows another history than this file: these entries were written anew.",
    "unproved": "The proof does not lead from this entry to the root of the checkpoint.",
    "recounted": "There are more or fewer lines than the last one says.",
    "cut_off": "The end is missing.",
    "shorter": "The given checkpoints know of these entries, and this file ends before them (older exports: `--part`).",
    "after_the_end": "Something stands after the end.",
}


@dataclass(frozen=True)
class Fault:
    """`first` and `last` are numbers of entries; `line` counts in the file, `given` among the given checkpoints."""

    kind: str
    line: int | None = None
    first: int | None = None
    last: int | None = None
    given: int | None = None

    @property
    def text(self) -> str:
        return FAULT_SENTENCES[self.kind]

    @property
    def where(self) -> str:
        entries = f"entry {self.first}" if self.first == self.last else f"entries {self.first} to {self.last}"
        places = [entries] if self.first is not None else []
        places += [f"line {self.line}"] if self.line is not None else []
        places += [f"given checkpoint {self.given}"] if self.given is not None else []
        return ", ".join(places)


@dataclass
class Verdict:
    """Good if nothing is wrong; what could not be looked at is said by the counts."""

    selection: bool = False  # only some entries, each proved; nothing says that none was left out
    origin: str = ""
    key: str | None = None
    key_given: bool = False
    start: int = 0
    end: int = 0
    entries: int = 0
    checkpoints: int = 0  # of the file, that agree
    given_agree: int = 0
    given_outside: int = 0  # of sizes that this file cannot answer for
    largest_given: int = 0
    faults: list[Fault] = field(default_factory=list)
    more: int = 0  # faults that are not listed

    @property
    def good(self) -> bool:
        return not self.faults

    def add(
        self,
        kind: str,
        line: int | None,
        first: int | None = None,
        last: int | None = None,
        given: int | None = None,
    ) -> None:
        """Notes a fault; one that goes on from the last is the same."""
        fault = Fault(kind, line, first, first if last is None else last, given)
        before = self.faults[-1] if self.faults else None
        if before and _continues(before, fault):
            self.faults[-1] = replace(before, last=fault.last)
            return
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)
        else:
            self.more += 1


def _continues(before: Fault, fault: Fault) -> bool:
    if before.last is None or fault.first is None or fault.kind == "forged":
        return False
    return before.kind == fault.kind and fault.first in (before.first, before.last + 1)
