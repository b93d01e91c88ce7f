"""The Python API: what the app and `--batch` do, as functions that take and return values and arrays."""
