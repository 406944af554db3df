"""Types of parameters, by a sample of each."""
