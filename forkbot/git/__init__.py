"""Git at the edge: repositories, loose objects, in-memory merges, patch application, remotes."""
