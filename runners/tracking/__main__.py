"""`python -m beltline.runners.tracking`."""

from beltline.runners.tracking.command import main

if __name__ == "__main__":
    main()
