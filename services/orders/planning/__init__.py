"""The handover of a leaver: what its planning reads, and the stages that its plan moves."""
