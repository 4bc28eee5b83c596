"""The package `beltline`; Beam workers install it through `--setup_file`."""

from setuptools import find_packages, setup

# One TFX release fixes the versions of TF, Keras, Beam and TFMA; requirements/overrides.txt says
# which of its own bounds are loosened and why.
PIPELINE = [
    "tfx==1.21.0",
    "tensorflow>=2.21,<2.22",
    "tensorboard",
    "keras-tuner",
    "kfp==2.17.0",
    "kfp-kubernetes==2.17.0",
]

setup(
    name="beltline",
    version="0.1.0",
    description="One TFX pipeline, defined once: local Beam, Airflow, Kubeflow",
    python_requires=">=3.11,<3.12",
    packages=find_packages(
        include=["bundle", "data", "models", "pipeline*", "runners*", "serving*", "versions"]
    ),
    package_data={"runners.report": ["page.html"], "serving.monitoring": ["page.html"]},
    install_requires=[
        "adbc-driver-postgresql>=1.13,<2",
        "click>=8.1",
        "httptools>=0.6",
        "jinja2>=3.1",
        "orjson>=3.10",
        "prometheus-client>=0.20",
        "pyarrow>=14",
        "pydantic>=2.7,<3",
        "pymysql>=1.2,<2",
        "pyyaml>=6",
        "requests>=2.31",
        "protobuf>=6.31.1,<7",
        "scikit-learn>=1.5",
        "scipy>=1.11",
        "swagger-ui-bundle>=1.1",
        "tensorflow-metadata",
        "tensorflow-serving-api",
        "uvicorn>=0.40,<1",
        "uvloop>=0.21",
    ],
    extras_require={"pipeline": PIPELINE},
    entry_points={"console_scripts": ["beltline = runners.cli:main"]},
)
