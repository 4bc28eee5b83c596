"""`python -m beltline.runners.node`."""

from beltline.runners.node.run import main

if __name__ == "__main__":
    main()
