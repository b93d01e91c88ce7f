"""Processes and threads: the worker, the ranks of one run, the end of a connection, the allocator."""
