"""Proof by building and running; the only room in which upstream's code is executed."""
