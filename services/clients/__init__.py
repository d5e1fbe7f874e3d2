"""Clients and who is responsible for them.

Owns: clients, contacts, teams, owners, freezes, passes, access decisions and the journal. Publishes: who owns what, freezes,
passes. Obeys: freeze and unfreeze access, transfer clients, place teams, grant passes.
"""
