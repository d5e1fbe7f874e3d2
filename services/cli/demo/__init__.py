"""The demo: a departure from the webhook to the handover, on the terminal, with real data and measured times."""
