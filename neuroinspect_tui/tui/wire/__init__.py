"""The terminal at the other end of the line: what it shows, how fast it takes it, what it answers."""
