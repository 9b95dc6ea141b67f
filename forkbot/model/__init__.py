"""Frozen values: what a stack is, what became of it, what verification says."""
