"""What writes a package for Kubeflow Pipelines from a bundle and the settings."""
