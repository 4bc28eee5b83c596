"""What `pipeline.yaml` may say, a section a file, and how it is read.

To add a setting, add a field with a type, a default and a description to its section: `data.py`,
`training.py`, `tuning.py`, `evaluation.py`, `push.py`, `serving.py`, `monitoring.py`, `local.py`,
`airflow.py` or `kubeflow.py`. Reading, `--set`, error messages and docs/settings.md (`make docs`)
follow from the field. A value that only goes with another one is a validator of its section, or
of `Settings` where the other one is in another section; it raises `MisplacedError`. A setting of
`model`, `training` or `tuning` also needs its field in `beltline.models.config`. To add a section,
write its file and a field of `Settings`.
"""
