"""The bundle: the only thing that passes from `pipeline/` to `runners/`.

A folder named by its digest that holds TFX's intermediate representation (`pipeline.pb`), a
`manifest.json` with nodes, edges, resources and digests, and the model code (`code.zip`). This
package knows the folder's format, and neither its writer nor its runners.
"""
