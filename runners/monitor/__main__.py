"""`python -m beltline.runners.monitor`."""

from beltline.runners.monitor.command import main

if __name__ == "__main__":
    main()
