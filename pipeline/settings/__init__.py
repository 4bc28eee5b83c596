"""What `pipeline.yaml` may say, a section a file, and how it is read."""
