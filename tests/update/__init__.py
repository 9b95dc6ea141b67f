"""The stacks repository's own update."""
