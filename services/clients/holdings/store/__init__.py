"""The SQL of owners and teams."""
