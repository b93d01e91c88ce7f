"""The session directory: everything found, resumable and portable."""
