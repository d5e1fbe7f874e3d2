"""Legal holds: what the journal knows of somebody is kept until they end."""
