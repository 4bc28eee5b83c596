"""What Beltline costs, measured side by side in one run and printed as ratios."""
