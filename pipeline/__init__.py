"""Settings, the pipeline's definition, our own components, and the compilation to a bundle."""
