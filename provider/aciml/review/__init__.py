"""A preview told to those who review a pull request: read from the CLI, written as Markdown, kept in one comment."""
