"""What a program declares with: one class a subject, a line of words under each field."""
