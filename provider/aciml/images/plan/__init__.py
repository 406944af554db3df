"""Read what the user wrote, judge it, and pin it."""
