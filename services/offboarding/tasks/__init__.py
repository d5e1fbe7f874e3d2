"""Human tasks of a case: done, with proof where it is wanted, or waived by the head of sales with a reason."""
