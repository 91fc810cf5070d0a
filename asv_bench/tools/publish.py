"""Make the pages of the kept results: .asv/html/index.html, which works without a net.

Exit status: 0 done; 2 the pages could not be made.
"""

from __future__ import annotations

import argparse
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asv_bench.tools import call, configuration, vendor
from asv_bench.tools.errors import BrokenError
from asv_bench.tools.joined import join
from asv_bench.tools.places import ROOT, SCRATCH


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--html", type=Path, metavar="DIR", help="where to (default: .asv/html)")
    parser.add_argument("--serve", type=int, metavar="PORT", help="then show them at this port of this machine only")


def run(given: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    content = configuration.read()
    folder = (given.html or ROOT / content["html_dir"]).resolve()
    page = folder / "index.html"
    files = vendor.fetch(SCRATCH / "vendor")
    joined = SCRATCH / "publish" / "results"
    join(ROOT / content["results_dir"], joined, packages=content["matrix"]["req"])
    path = configuration.derived(SCRATCH / "publish", results_dir=str(joined))
    status = call.asv("publish", "--no-pull", "--html-dir", str(folder), configuration=path)
    if status or not page.is_file():
        raise BrokenError(f"asv could not publish (status {status}); see what it printed above.")
    vendor.make_local(page, files)
    # Browsers let no page of a file read its data; `asv preview` would serve them to the whole network.
    print(f"asv_bench publish: the pages are in {folder}; --serve 8000 shows them", flush=True)
    if given.serve is not None:
        serve(folder, given.serve)
    return 0


def serve(folder: Path, port: int) -> None:
    """Serve a folder to this machine until interrupted."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        print(f"asv_bench publish: http://127.0.0.1:{server.server_port}/ (Ctrl-C ends it)", flush=True)
        server.serve_forever()
