"""Pure rules of `staff`: what news means for an employment, what is announced, when the brake holds."""
