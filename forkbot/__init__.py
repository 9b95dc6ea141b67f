"""forkbot keeps forks alive: upstream plus an ordered stack of patches, rebased, built, run."""

__version__ = "0.1.0"
