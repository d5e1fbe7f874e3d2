"""The export of clients for people, decided anew for every page."""
