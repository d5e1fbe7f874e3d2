"""What an employee read and exported in the days before they gave notice, and what of it is unusual."""
