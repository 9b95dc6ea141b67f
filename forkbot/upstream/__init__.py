"""Upstream's two channels: its branch through a mirror, its releases through cargo."""
