"""Where fork branches live. Today: bare repositories on this machine."""
