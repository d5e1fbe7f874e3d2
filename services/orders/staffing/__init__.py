"""Who may do a stage, and how much everybody has on their hands: functions, capacity and load."""
