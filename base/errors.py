"""The ways in which a command fails: one exception type for each exit code.

The exit code of `NoData`, "nothing to do", is the node runner's alone: the command line has no such
code, and turns it into `WrongInput`.
"""


class BeltlineError(Exception):
    """An error whose message is written for the user; no traceback is shown."""

    exit_code = 1


class NodeFailed(BeltlineError):
    """A node failed, or was stopped; the message names the node, the reason and the log file."""

    exit_code = 1


class WrongInput(BeltlineError):
    """The command, the settings or the data are invalid; the message says where, and what to do."""

    exit_code = 2


class GateRefused(BeltlineError):
    """A gate refused the data or the model; the message says which, why, and what was kept."""

    exit_code = 3


class NoData(BeltlineError):
    """The data have no such span; the message says where it was searched, and which exist."""

    exit_code = 99
