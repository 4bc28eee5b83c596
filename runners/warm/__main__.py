"""`python -m beltline.runners.warm`."""

from beltline.runners.warm.client import main

main()
