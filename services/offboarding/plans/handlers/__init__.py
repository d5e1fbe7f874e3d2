"""Plans: drafted by a job, edited and approved by the head of sales, or made as a dry run."""
