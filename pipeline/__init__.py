"""What runs: settings, the one definition, our own components, and its compilation to a bundle."""
