"""`python -m procession.cli` is `procession`."""

from procession.cli import main

if __name__ == "__main__":
    main()
