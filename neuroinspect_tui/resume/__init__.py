"""The life of sessions: where they lie, what they know at first paint, and following another process."""
