"""The rules of a handover: pure; days, settings and figures are arguments."""
