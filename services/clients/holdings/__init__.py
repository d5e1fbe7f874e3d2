"""Who has what: owner of record, team, history of owners, stand-ins, and how many clients each owner has."""
