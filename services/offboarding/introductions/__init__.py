"""Introductions: how the leaver presents the successor to one client."""
