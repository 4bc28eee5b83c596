"""`python -m runners.warm`."""

from runners.warm.client import main

main()
