"""Verifies an exported journal of either form, from its lines alone."""

from collections.abc import Iterable, Sequence

from services.clients.journal.rules import hash_leaf, verify_inclusion
from services.clients.proofs.rules import export_format
from services.clients.proofs.rules.checkpoints import Checkpoint, get_key_name, parse_checkpoint_if_signed_by
from services.clients.proofs.rules.range_verification import RangeVerifier
from services.clients.proofs.rules.verdict import Verdict


def verify_export(
    exported_lines: Iterable[bytes], key: str | None, checkpoint_notes: Sequence[str], *, is_part: bool = False
) -> Verdict:
    """What is wrong with these lines (each with its line end), and where; whatever they are, it does not fail.

    Without a verifier key the one that the file names is trusted, which proves less: who wrote everything anew may have
    signed it anew. `checkpoint_notes` were kept elsewhere: if one knows of more entries, this file was cut back, unless
    it is a part or an older export (`is_part`).
    """
    numbered_lines = enumerate(exported_lines, 1)
    line = next(numbered_lines, (1, b""))[1]
    header = export_format.parse_header(line)
    if header is None:
        verdict = Verdict()
        verdict.add("not_a_journal", 1)
        return verdict
    trusted = header.key if key is None else key
    name = get_key_name(trusted)
    selection = isinstance(header, export_format.SelectionHeader)
    verdict = Verdict(selection=selection, origin=name or "", key=trusted if name else None, key_given=key is not None)
    if name is None or header.key != trusted or header.origin != name:
        verdict.add("key", 1)
    given_checkpoints = []
    for n, note in enumerate(checkpoint_notes, 1):
        checkpoint = parse_checkpoint_if_signed_by(note, trusted)
        if checkpoint is None or checkpoint.origin != name:
            verdict.add("forged", None, given=n)
        else:
            given_checkpoints.append((n, checkpoint))
    verdict.largest_given = max((checkpoint.size for _, checkpoint in given_checkpoints), default=0)
    if isinstance(header, export_format.SelectionHeader):
        verdict.end = header.size
        fill_selection_verdict(header, given_checkpoints, verdict, numbered_lines)
    else:
        verdict.start, verdict.end = header.start, header.end
        RangeVerifier(header, given_checkpoints, verdict).read(numbered_lines)
        if verdict.largest_given > header.end and not is_part:
            verdict.add("shorter", None, header.end, verdict.largest_given - 1)
    return verdict


def fill_selection_verdict(
    header: export_format.SelectionHeader,
    given_checkpoints: Sequence[tuple[int, Checkpoint]],
    verdict: Verdict,
    numbered_lines: Iterable[tuple[int, bytes]],
) -> None:
    """The given checkpoints of the same size are compared; for others a proof would be needed that is not here."""
    checkpoint = parse_checkpoint_if_signed_by(header.checkpoint_note, verdict.key or "")
    if checkpoint is None or (checkpoint.origin, checkpoint.size) != (verdict.origin, header.size):
        verdict.add("forged", 1)
    else:
        verdict.checkpoints += 1
    root = checkpoint.root if checkpoint else b""
    for n, other in given_checkpoints:
        if other.size != header.size:
            verdict.given_outside += 1
        elif other.root != root:
            verdict.add("contradicts", None, 0, max(header.size - 1, 0), n)
        else:
            verdict.given_agree += 1
    before, number, ended = -1, 1, False
    for number, line in numbered_lines:
        if ended:
            verdict.add("after_the_end", number)
        elif selected := export_format.parse_selected_entry(line):
            index, data, proof = selected
            verdict.entries += 1
            if not verify_inclusion(hash_leaf(data), index, header.size, proof, root):
                verdict.add("unproved", number, index)
            if index <= before:
                verdict.add("misplaced", number, index)
            before = index
        elif (count := export_format.parse_selection_footer(line)) is not None:
            ended = True
            if count != verdict.entries:
                verdict.add("recounted", number)
        else:
            verdict.add("garbage", number)
    if not ended:
        verdict.add("cut_off", number)
