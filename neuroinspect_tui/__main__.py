"""`python -m neuroinspect_tui`."""

from neuroinspect_tui.cli.main import main

if __name__ == "__main__":
    main()
