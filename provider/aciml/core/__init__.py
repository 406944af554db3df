"""Pure rules and values: no file, socket, clock, environment variable or random number is touched here."""
