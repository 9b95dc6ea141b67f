"""Whose fault each red of a verdict is: what changed since the last green, turned back."""
