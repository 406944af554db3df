"""A worker: the process that imports the user's script and calls it; the front starts it and may end it."""
