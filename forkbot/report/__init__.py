"""Run records told to people. Pure: a record in, text out; nothing here looks at the world."""
