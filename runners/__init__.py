"""The runners: what runs a bundle, all through the node runner.

    node/      runs one node of a bundle, anywhere
    local/     runs a bundle on this machine
    warm/      runs nodes in forks of a process that has imported TFX
    airflow/   the DAG file and what writes it
    kubeflow/  the package, its pods, and Kubeflow's API
    pods/      nodes that share a pod, for both of them
    metadata/  ML Metadata: state, lineage, reconciliation
    monitor/   monitoring as a node, for the orchestrators
    approval/  a decision about a version that waits: recorded, and carried out as a node
    checks/    `beltline check`
    report/    the HTML report about a run
    cli/       the command line

To add a runner, read the manifest, start `python -m beltline.runners.node` for each node in the
order of its edges, and map the exit codes; nothing of `pipeline/` is needed.
"""
