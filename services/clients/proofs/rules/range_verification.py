"""Verifies an unbroken range of the journal, line by line, in constant memory."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from services.clients.journal.rules import TILE_SIZE, compute_root, grow_frontier
from services.clients.proofs.rules import export_format
from services.clients.proofs.rules.checkpoints import Checkpoint, parse_checkpoint_if_signed_by
from services.clients.proofs.rules.verdict import Verdict

MAX_PENDING_LEAVES = 4 * TILE_SIZE  # leaves that wait for their hashes; whatever a file leaves out, no more are kept


@dataclass
class CheckpointAgreement:
    """Checkpoints in the order of their sizes: up to which size they agree with the entries, and whether one did not since."""

    agreed_size: int = 0
    has_disagreed: bool = False


class RangeVerifier:
    """The leaves read since the last tile wait in `hashes`; all before `start` are in the tree.

    Where a leaf and the hashes of its tile differ, the tree goes on with the tile's, so that one fault stays one.
    """

    def __init__(
        self,
        first: export_format.RangeHeader,
        given: Sequence[tuple[int, Checkpoint]],
        verdict: Verdict,
    ) -> None:
        self.verdict = verdict
        self.start, self.end, self.frontier = first.start, first.end, first.frontier
        self.hashes: list[bytes] = []
        self.waiting: dict[int, tuple[int, int, bytes]] = {}  # checkpoints by size: line, where it stands, root
        self.given = sorted(given, key=lambda numbered: numbered[1].size)
        self.inside, self.outside = CheckpointAgreement(), CheckpointAgreement()
        self.newest, self.kept = first.start, 0
        self.lost = False  # what is missing leaves the tree unknown from there on
        self.ended = False
        verdict.given_outside += sum(not first.start <= checkpoint.size <= first.end for _, checkpoint in given)
        self.given = [(n, checkpoint) for n, checkpoint in self.given if first.start <= checkpoint.size <= first.end]
        self._compare_given(self.start)

    def read(self, numbered: Iterable[tuple[int, bytes]]) -> None:
        hashes, number = self.hashes, 1
        for number, line in numbered:
            if line[:8] == export_format.LEAF_PREFIX:
                hashes.append(sha256(b"\x00" + line[:-1]).digest())
                if len(hashes) == MAX_PENDING_LEAVES:
                    self._release_pending(number)
            elif self.ended:
                self.verdict.add("after_the_end", number)
            else:
                self._read_other_line(number, line)
        if not self.ended:
            self.verdict.add("cut_off", number, self.start + len(hashes), max(self.end - 1, self.start + len(hashes)))
        elif hashes:
            self.verdict.add("after_the_end", number)
        self.verdict.entries += len(hashes)

    def _count_due_leaves(self) -> int:
        """How many leaves the tile that is read now should have in this file."""
        return min((self.start // TILE_SIZE + 1) * TILE_SIZE, self.end) - self.start

    def _read_other_line(self, number: int, line: bytes) -> None:
        if len(self.hashes) == self._count_due_leaves() and line == export_format.format_tile_hashes(
            self.start // TILE_SIZE, self.hashes
        ):
            self._grow_tree(self.hashes)
            self._drop_leaves(len(self.hashes))
        elif tile := export_format.parse_tile_hashes(line):
            self._read_tile_hashes(number, *tile)
        elif note := export_format.parse_checkpoint_line(line):
            self._read_checkpoint(number, note)
        elif last := export_format.parse_range_footer(line):
            self._read_footer(number, *last)
        else:
            self.verdict.add("garbage", number, self.start + len(self.hashes))

    # -- tiles ---------------------------------------------------------------------------------------------------------

    def _read_tile_hashes(self, number: int, n: int, listed: list[bytes]) -> None:
        """A tile whose hashes are not just those of the leaves before it."""
        now, known = self.start // TILE_SIZE, n * TILE_SIZE < self.end and listed and self.start < self.end
        if n != now and listed and listed == self.hashes and self.start < self.end:
            self.verdict.add("misplaced", number, self.start, self.start + len(listed) - 1)
        elif n < now or not known:
            self.verdict.add("misplaced", number, self.start + len(self.hashes))
            return
        elif n > now:
            self._skip_to(n, number, listed)
        due, found = self._count_due_leaves(), len(self.hashes)
        self._report_differences(number, listed)
        if len(listed) != due:
            self.verdict.add("miscounted", number, self.start, self.start + due - 1)
            self.lost = True
        self._grow_tree(listed, shifted=found != len(listed))
        self._drop_leaves(found, due)

    def _report_differences(self, number: int, listed: list[bytes]) -> None:
        found = self.hashes
        shorter = min(len(found), len(listed))
        same = next((i for i in range(shorter) if found[i] != listed[i]), shorter)
        most = shorter - same
        tail = next((i for i in range(most) if found[-1 - i] != listed[-1 - i]), most)
        ours, theirs = found[same : len(found) - tail], listed[same : len(listed) - tail]
        at = self.start + same
        if not ours and not theirs:
            return
        if not theirs:
            self.verdict.add("inserted", number, at)
        elif not ours:
            self.verdict.add("missing", number, at, at + len(theirs) - 1)
        elif sorted(ours) == sorted(theirs):
            self.verdict.add("moved", number, at, at + len(theirs) - 1)
        elif len(ours) == len(theirs):
            for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
                if one != other:
                    self.verdict.add("changed", number, at + i)
        else:
            kind = "missing" if len(ours) < len(theirs) else "inserted"
            self.verdict.add(kind, number, at, at + len(theirs) - 1)

    def _skip_to(self, n: int, number: int, listed: list[bytes]) -> None:
        """The tiles before `n` have no hashes in this file: their leaves count as they stand, if all are there."""
        before = n * TILE_SIZE - self.start
        if len(self.hashes) == before + len(listed):
            while self.start < n * TILE_SIZE:
                self._accept_without_hashes(number)
            return
        self.verdict.add("missing", number, self.start, n * TILE_SIZE - 1)
        self.lost = True
        self._drop_leaves(max(len(self.hashes) - len(listed), 0), before)

    def _accept_without_hashes(self, number: int) -> None:
        due = self._count_due_leaves()
        self.verdict.add("hashes_missing", number, self.start, self.start + due - 1)
        self._grow_tree(self.hashes[:due])
        self._drop_leaves(due)

    def _release_pending(self, number: int) -> None:
        """Too many leaves without hashes."""
        if self.ended or self.start == self.end:
            self.verdict.add("after_the_end" if self.ended else "inserted", number, self.end)
            self._drop_leaves(len(self.hashes), 0)
        else:
            self._accept_without_hashes(number)

    def _grow_tree(self, leaves: Sequence[bytes], *, shifted: bool = False) -> None:
        """Grows the tree by the leaves of one tile, and compares the checkpoints of the sizes on the way."""
        start, stop = self.start, self.start + self._count_due_leaves()
        standing = {
            size: waiting for size, waiting in self.waiting.items() if shifted or waiting[1] <= stop
        }  # where leaves are missing or too many, places mean nothing
        for size, (line, at, _) in standing.items():
            del self.waiting[size]
            if not shifted and (at != size or size >= stop):
                self.verdict.add("misplaced", line, at)
        if self.lost:
            return
        sizes = {*standing, *(checkpoint.size for _, checkpoint in self._list_given_up_to(stop)), stop}
        for size in sorted(sizes):
            if start < size <= stop:
                self.frontier = grow_frontier(self.frontier, start, leaves[start - self.start : size - self.start])
                start = size
                if size in standing:
                    self._compare_root(standing[size][0], size, standing[size][2])
                self._compare_given(size)

    def _drop_leaves(self, leaves: int, entries: int | None = None) -> None:
        """Goes on after these lines, which should have been so many entries."""
        self.verdict.entries += leaves
        self.start += leaves if entries is None else entries
        del self.hashes[:leaves]
        if not self.hashes:
            self.waiting.clear()

    # -- checkpoints ---------------------------------------------------------------------------------------------------

    def _verify_note(self, number: int, note: str) -> Checkpoint | None:
        checkpoint = parse_checkpoint_if_signed_by(note, self.verdict.key or "")
        if checkpoint is None or checkpoint.origin != self.verdict.origin:
            self.verdict.add("forged", number, self.start + len(self.hashes))
            return None
        return checkpoint

    def _read_checkpoint(self, number: int, note: str) -> None:
        self.kept += 1
        checkpoint = self._verify_note(number, note)
        if checkpoint is None:
            return
        at = self.start + len(self.hashes)
        if (
            self.hashes
            and self.start < checkpoint.size <= self.start + MAX_PENDING_LEAVES
            and checkpoint.size not in self.waiting
        ):
            self.waiting[checkpoint.size] = (number, at, checkpoint.root)
        elif not self.hashes and self.newest < checkpoint.size == self.start:
            self.newest = checkpoint.size
            self._compare_root(number, checkpoint.size, checkpoint.root)
        else:
            self.verdict.add("misplaced", number, at)

    def _compare_root(self, number: int, size: int, root: bytes) -> None:
        if self.lost:
            return
        if compute_root(self.frontier) == root:
            self.inside = CheckpointAgreement(agreed_size=size)
            self.verdict.checkpoints += 1
        elif not self.inside.has_disagreed:
            self.verdict.add("disagrees", number, min(self.inside.agreed_size, max(size - 1, 0)), max(size - 1, 0))
            self.inside.has_disagreed = True

    def _list_given_up_to(self, size: int) -> list[tuple[int, Checkpoint]]:
        """Those of the given checkpoints that come next, up to this size."""
        end = next((i for i, (_, checkpoint) in enumerate(self.given) if checkpoint.size > size), len(self.given))
        return self.given[:end]

    def _compare_given(self, size: int) -> None:
        due = self._list_given_up_to(size)
        del self.given[: len(due)]
        for n, checkpoint in due:
            if self.lost or checkpoint.size != size:
                continue
            if compute_root(self.frontier) == checkpoint.root:
                self.outside = CheckpointAgreement(agreed_size=size)
                self.verdict.given_agree += 1
            elif not self.outside.has_disagreed:
                self.verdict.add(
                    "contradicts", None, min(self.outside.agreed_size, max(size - 1, 0)), max(size - 1, 0), n
                )
                self.outside.has_disagreed = True

    # -- the end -------------------------------------------------------------------------------------------------------

    def _read_footer(self, number: int, size: int, note: str, kept: int) -> None:
        found, due = len(self.hashes), self.end - self.start
        if found and found == due:
            while self.start < self.end:
                self._accept_without_hashes(number)
        elif found < due:
            self.verdict.add("missing", number, self.start + found, self.end - 1)
            self.lost = True
        elif found > due:
            self.verdict.add("inserted", number, self.end)
        self._drop_leaves(len(self.hashes))
        self.start = self.end
        self.ended = True
        if size != self.end:
            self.verdict.add("miscounted", number, self.end)
        if kept != self.kept:
            self.verdict.add("recounted", number, self.verdict.start, self.end)  # which checkpoint, nothing says
        checkpoint = self._verify_note(number, note)
        if checkpoint and checkpoint.size == self.end:
            self._compare_root(number, checkpoint.size, checkpoint.root)
        elif checkpoint:
            self.verdict.add("misplaced", number, self.end)
