"""Where fork branches and artefacts live: bare repositories and files here, or GitHub."""
