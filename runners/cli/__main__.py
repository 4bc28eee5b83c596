"""`python -m beltline.runners.cli`."""

from beltline.runners.cli.main import main

if __name__ == "__main__":
    main()
