"""What is declared: the fields of each resource, and what may be said in them. No I/O."""
