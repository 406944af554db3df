"""The front: the process that holds the sockets, starts workers, and runs no code of the user."""
