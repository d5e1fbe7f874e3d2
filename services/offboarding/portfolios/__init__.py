"""What the other services say of somebody whose work is to be placed: clients, stages, loads, figures."""
