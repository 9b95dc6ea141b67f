"""The rebase engine: a stack's patches onto a new base, in memory, every patch with one fate."""
