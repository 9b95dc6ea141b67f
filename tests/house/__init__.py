"""The house itself: its layers, its documents, its package, and what may not be in its files."""
