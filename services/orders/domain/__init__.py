"""The rules of orders: pure functions over frozen values. Days, ids and who has room are arguments."""
