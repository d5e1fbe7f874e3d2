"""The journal: entries written in the transaction of what they tell of, and appended to a Merkle tree."""
