"""One function per thing that can be asked of `staff`: load, decide, save. None of them commits."""
