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
        return """
        import importlib.util
        import xentcheck.api
        name = "xentcheck.engine.run"
        importlib.import_module(name if importlib.util.find_spec(name) else "xentcheck.engine.session")
        """

    # The module that runs a check has another name now; what is measured is the same, and keeps its past.
    timeraw_check.version = "7ac618b074d3bfd6d9c27e0ed2743d2726a10cb75e22c32749d0fbc45271c50a"


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
