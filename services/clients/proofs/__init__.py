"""What auditors verify the journal with: checkpoints, proofs and exports."""
