"""Clients change hands: by hand, by a case, and from somebody who was rehired."""
