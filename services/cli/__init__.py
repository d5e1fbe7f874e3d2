"""The command line: reads people's exports and maps, and calls the services through their doors."""
