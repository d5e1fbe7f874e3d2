"""What all services keep of one person, for that person and for `hr`."""
