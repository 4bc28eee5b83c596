"""Tells other tools of a run that has ended, wherever it ran.

A tool is a module of this package with the name of its setting in the section `tracking`, and a
function `track(ended, tracking)`; `tell.py` calls those that the settings name. To add one, add its
key to `base/settings/tracking.py`, its module here, and its name to `tell.TOOLS`. What a tool needs
of a run is in `ended.py`; a tool raises `failures.NotTold`, or anything else, and the run goes on.
"""
