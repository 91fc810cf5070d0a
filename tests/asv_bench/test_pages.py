"""The published pages, and which commits the history lacks."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from asv_bench import __main__ as door
from asv_bench.tools import call, configuration, history, vendor
from asv_bench.tools.errors import BrokenError
from asv_bench.tools.history import beside, known, missing
from asv_bench.tools.places import ROOT

PAGE = (
    '<link href="https://a.example/bootstrap@3/dist/css/bootstrap.min.css" rel="stylesheet"\n integrity="sha256-x"/>\n'
    '<script src="https://b.example/jquery-3.3.1.min.js" crossorigin="anonymous"></script>\n'
    '<script src="asv.js"></script>\n'
)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Scripts as they are fetched."""
    names = ("bootstrap.min.css", "jquery-3.3.1.min.js")
    paths = {name: tmp_path / "cache" / "dist" / "css" / name for name in names}
    for name, path in paths.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "cache" / "dist" / "fonts").mkdir()
    (tmp_path / "cache" / "dist" / "fonts" / "icons.woff").write_text("font")
    return paths


def test_a_page_names_nothing_elsewhere(tmp_path: Path, files: dict[str, Path]) -> None:
    """Scripts, style sheet and fonts lie beside it, and nothing is left that checks the original's digest."""
    page = tmp_path / "html" / "index.html"
    page.parent.mkdir()
    page.write_text(PAGE)
    assert vendor.make_local(page, files) == ["bootstrap.min.css", "jquery-3.3.1.min.js"]
    text = page.read_text()
    assert "://" not in text
    assert "integrity" not in text
    assert 'src="vendor/jquery-3.3.1.min.js"' in text
    assert 'src="asv.js"' in text
    assert (page.parent / "vendor" / "bootstrap.min.css").read_text() == "bootstrap.min.css"
    assert (page.parent / "fonts" / "icons.woff").is_file()


def test_an_unknown_script_is_not_passed_over(tmp_path: Path, files: dict[str, Path]) -> None:
    """Another asv may want another one; a page that needs the net must not look finished."""
    page = tmp_path / "index.html"
    page.write_text('<script src="https://c.example/new.js"></script>')
    with pytest.raises(BrokenError, match=r"new\.js"):
        vendor.make_local(page, files)


@pytest.mark.needs("asv")
def test_the_pages_of_this_asv(tmp_path: Path) -> None:
    """Every script that they ask for is known."""
    import asv

    page = tmp_path / "index.html"
    page.write_text((Path(asv.__file__).parent / "www" / "index.html").read_text())
    known = {name: tmp_path / name for package in vendor.PACKAGES for name, _ in package.files}
    for path in known.values():
        path.write_text("")
    assert len(vendor.make_local(page, known)) == 10
    assert re.search(r'<(?:script|link)[^>]*"https?://', page.read_text()) is None


def npm(archive: bytes, monkeypatch: pytest.MonkeyPatch) -> vendor.Package:
    """Have npm fetch an archive; return the package that is in it."""

    def pack(command: list[str], cwd: Path, **_: object) -> subprocess.CompletedProcess[str]:
        (cwd / "thing-1.0.0.tgz").write_bytes(archive)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(vendor.subprocess, "run", pack)
    package = vendor.Package("thing", "1.0.0", "", (("thing.js", "js/thing.js"),))
    monkeypatch.setattr(vendor, "PACKAGES", (package,))
    return package


def archive() -> bytes:
    """Return a package with one script."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as opened:
        entry = tarfile.TarInfo("package/js/thing.js")
        entry.size = 4
        opened.addfile(entry, io.BytesIO(b"code"))
    return stream.getvalue()


def test_a_package_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is unpacked from its archive if its digest is the known one; afterwards nothing is fetched."""
    content = archive()
    package = npm(content, monkeypatch)
    (tmp_path / "copy").write_bytes(content)
    known = vendor.Package(package.name, package.version, vendor.digest(tmp_path / "copy"), package.files)
    monkeypatch.setattr(vendor, "PACKAGES", (known,))
    assert vendor.fetch(tmp_path / "cache")["thing.js"].read_text() == "code"
    monkeypatch.setattr(vendor.subprocess, "run", None)
    assert vendor.fetch(tmp_path / "cache")["thing.js"].read_text() == "code"


def test_another_package_than_the_known_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its digest differs: nothing of it is used."""
    npm(archive(), monkeypatch)
    with pytest.raises(BrokenError, match="digest differs"):
        vendor.fetch(tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_which_commits_have_no_results(tmp_path: Path) -> None:
    """Newest first, of one machine, and no more than asked for."""
    commits = [letter * 40 for letter in "edcba"]
    (tmp_path / "dddddddd-env.json").write_text("")
    (tmp_path / "machine.json").write_text("")
    assert [name[0] for name in missing(commits, tmp_path)] == ["e", "c", "b", "a"]
    assert [name[0] for name in missing(commits, tmp_path, newest=2)] == ["e", "c"]
    assert [name[0] for name in known(commits, tmp_path)] == ["d"]
    assert [name[0] for name in missing(commits, tmp_path, every=2)] == ["e", "c", "a"]


def test_peers_are_installed_beside(tmp_path: Path) -> None:
    """The versions that are pinned stay, and the results are the kept ones."""
    path = beside(["torch==2.13.0"], tmp_path)
    content = configuration.read(path)
    assert content["matrix"]["req"] == {**configuration.read()["matrix"]["req"], "torch": ["2.13.0"]}
    assert content["results_dir"] == str(ROOT / configuration.read()["results_dir"])


@pytest.mark.parametrize("package", ["torch", "torch==", "==2.13.0"])
def test_a_peer_without_a_version_is_refused(tmp_path: Path, package: str) -> None:
    """Its curve would tell of its own releases and not of these commits."""
    with pytest.raises(BrokenError, match="must name a package and its version"):
        beside([package], tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"), [([], "ca"), (["--bench", "Narrow"], "b"), (["--bench", "Narrow", "a"], "a")]
)
def test_which_commits_are_measured(
    arguments: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those without results; for chosen benchmarks those that have some, or those that are named."""
    (tmp_path / "results" / "here").mkdir(parents=True)
    (tmp_path / "results" / "here" / "bbbbbbbb-env.json").write_text("")
    monkeypatch.setattr(history, "ROOT", tmp_path)
    monkeypatch.setattr(history, "SCRATCH", tmp_path)
    monkeypatch.setattr(configuration, "read", lambda: {"branches": ["main"], "results_dir": "results"})
    monkeypatch.setattr(call, "commit", lambda name: name * 40)
    monkeypatch.setattr(call, "git", lambda *_: " ".join(letter * 40 for letter in "cba"))
    monkeypatch.setattr(call, "introduce", lambda *_: None)
    monkeypatch.setattr(call, "asv", lambda *_, **__: 0)
    assert door.main(["history", "--machine", "here", *arguments]) == 0
    assert [line[0] for line in (tmp_path / "history" / "commits.txt").read_text().split()] == list(expected)
