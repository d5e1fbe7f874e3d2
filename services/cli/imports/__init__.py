"""`holdfast import`: an export of another system, read as a map says and sent to the service that keeps such things."""
