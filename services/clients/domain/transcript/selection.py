"""Verifies entries that were picked out of the journal, each by its own proof."""

from collections.abc import Iterable, Sequence

from services.clients.domain import notes, tree
from services.clients.domain.transcript import lines
from services.clients.domain.transcript.verdict import Verdict


def check_selection(
    first: lines.Selection,
    given: Sequence[tuple[int, notes.Checkpoint]],
    verdict: Verdict,
    numbered: Iterable[tuple[int, bytes]],
) -> None:
    """The given checkpoints of the same size are compared; for others a proof would be needed that is not here."""
    said = notes.verify(first.checkpoint, verdict.key or "")
    if said is None or (said.origin, said.size) != (verdict.origin, first.size):
        verdict.add("forged", 1)
    else:
        verdict.checkpoints += 1
    root = said.root if said else b""
    for n, other in given:
        if other.size != first.size:
            verdict.given_outside += 1
        elif other.root != root:
            verdict.add("contradicts", None, 0, max(first.size - 1, 0), n)
        else:
            verdict.given_agree += 1
    before, number, ended = -1, 1, False
    for number, line in numbered:
        if ended:
            verdict.add("after_the_end", number)
        elif selected := lines.read_selected(line):
            index, data, proof = selected
            verdict.entries += 1
            if not tree.verify_inclusion(tree.leaf_hash(data), index, first.size, proof, root):
                verdict.add("unproved", number, index)
            if index <= before:
                verdict.add("misplaced", number, index)
            before = index
        elif (count := lines.read_selection_last(line)) is not None:
            ended = True
            if count != verdict.entries:
                verdict.add("recounted", number)
        else:
            verdict.add("garbage", number)
    if not ended:
        verdict.add("cut_off", number)
