"""The command line: options become a `RunConfig`, which goes to the app or to the headless face."""
