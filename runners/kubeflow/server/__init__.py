"""What talks to Kubeflow's API server: upload, submit, follow."""
