"""A stack's files: read whole and checked at the door, written so that a kill loses nothing."""
