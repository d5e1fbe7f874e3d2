"""Meetings, calls, mails and feedback: who of us knows a client, and how well."""
