"""The checklist: the human tasks that every case gets, in versions."""
