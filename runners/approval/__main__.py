"""`python -m beltline.runners.approval`."""

from beltline.runners.approval.command import main

if __name__ == "__main__":
    main()
