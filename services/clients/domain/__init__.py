"""The rules of clients: who may do what with whom, when a pass may be given, who stands in, how a freeze is lifted."""
