"""The chassis that the four services stand on: no business words but in `contracts` and in the copy of the register, `people`."""
