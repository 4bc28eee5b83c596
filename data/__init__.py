"""Sample data and its generators."""
