"""A local web page over the runs of a pipeline, wherever they ran.

The pages are written by the server, from the same data as the commands' output; there is nothing in
them that is loaded from elsewhere.
"""
