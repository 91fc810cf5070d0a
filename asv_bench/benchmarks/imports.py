"""What starting costs: imports and the command's first word, each in a new process."""

from __future__ import annotations


class Import:
    """Imports; numpy's own is there to compare with."""

    repeat = (3, 10, 1.0)

    def timeraw_numpy(self):
        return "import numpy"

    def timeraw_package(self):
        return "import xentcheck"

    def timeraw_reference(self):
        return "import xentcheck.reference"

    def timeraw_check(self):
        return "import xentcheck.api, xentcheck.engine.run"


class Command:
    """The command line up to its help, which imports none of the frameworks."""

    repeat = (3, 10, 1.0)

    def timeraw_help(self):
        return """
        import contextlib, io
        from xentcheck.cli import main
        with contextlib.redirect_stdout(io.StringIO()):
            main(["--help"])
        """
