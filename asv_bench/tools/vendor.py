"""Making asv's pages work without a net: the scripts that they name elsewhere, beside them.

The scripts come from the packages of their authors, at the versions that asv's pages ask for, by npm. Each package is
checked against the digest below. They are kept in .asv/vendor and not in git.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from asv_bench.tools.errors import BrokenError


@dataclass(frozen=True)
class Package:
    """A package of the npm registry, the digest (sha512) of its archive, and its files by the pages' names."""

    name: str
    version: str
    digest: str
    files: tuple[tuple[str, str], ...]


PACKAGES: tuple[Package, ...] = (
    Package(
        "jquery",
        "3.3.1",
        "Ubldcmxp5np52/ENotGxlLe6aGMvmF4R8S6tZjsP6Knsaxd/xp3Zrh50cG93lR6nPXyUFwzN3ZSOQI0wRJNdGg==",
        (("jquery-3.3.1.min.js", "dist/jquery.min.js"),),
    ),
    Package(
        "flot",
        "0.8.3",
        "xg2otcTJDvS+ERK+my4wxG/ASq90QURXtoM4LhacCq0jQW2jbyjdttbRNqU2cPykrpMvJ6b2uSp6SAgYAzj9tQ==",
        (
            ("jquery.flot.min.js", "jquery.flot.js"),
            ("jquery.flot.time.min.js", "jquery.flot.time.js"),
            ("jquery.flot.selection.min.js", "jquery.flot.selection.js"),
            ("jquery.flot.categories.min.js", "jquery.flot.categories.js"),
        ),
    ),
    Package(
        "flot-orderbars",
        "1.0.0",
        "Jv51fvzevUjNXEeozpwEKfPjhiZhfiJddv0WHjduUTCmSF+7T5K7C9c9Y1wIVmUhDBv5fLMjgbwKecT0GIKPZA==",
        (("jquery.flot.orderBars.js", "js/jquery.flot.orderBars.js"),),
    ),
    Package(
        "stupid-table-plugin",
        "1.1.3",
        "2Vk7XouQPxUQPRe9w0Fu7ZZ8kHLK7rDoLMsCgtKxRNJ7f4dSOGvW9CkHsq5wD6QsaEnWoyLBYH3xOEsrK3yWBg==",
        (("stupidtable.min.js", "stupidtable.min.js"),),
    ),
    Package(
        "blueimp-md5",
        "2.19.0",
        "DRQrD6gJyy8FbiE4s+bDoXS9hiW3Vbx5uCdwvcCf3zLHL+Iv7LtGHLpr+GZV8rHG8tK766FGYBwRbu8pELTt+w==",
        (("md5.min.js", "js/md5.min.js"),),
    ),
    Package(
        "bootstrap",
        "3.1.1",
        "TAzqS8E/ISpVHP29gYhy+1NSV+FJwApDVQhDfgLYsIuUDJiqJzH2DfORN5tiu+Ie2iBLrzEG34t4Rf465cigqg==",
        (
            ("bootstrap.min.js", "dist/js/bootstrap.min.js"),
            ("bootstrap.min.css", "dist/css/bootstrap.min.css"),
        ),
    ),
)
_ELSEWHERE = re.compile(r'(src|href)="(https?://[^"]+\.(?:js|css))"')
_CHECKS = re.compile(r'\s(?:integrity|crossorigin|referrerpolicy)="[^"]*"')


def fetch(cache: Path) -> dict[str, Path]:
    """Return the files by the pages' names, fetching packages that the cache lacks; raises BrokenError."""
    found: dict[str, Path] = {}
    for package in PACKAGES:
        folder = cache / f"{package.name}-{package.version}"
        if not folder.exists():
            _unpack(_archive(package, cache), package, folder)
        found.update({name: folder / inside for name, inside in package.files})
    absent = [name for name, path in found.items() if not path.is_file()]
    if absent:
        raise BrokenError(f"{absent[0]} is not in its package; remove {cache} and try again.")
    return found


def make_local(page: Path, files: dict[str, Path]) -> list[str]:
    """Copy the scripts beside a page and have it name those; return the names.

    Raises
    ------
    BrokenError
        If the page asks for a script that is not known: another version of asv, perhaps.
    """
    text = page.read_text(encoding="utf-8")
    folder = page.parent / "vendor"
    folder.mkdir(exist_ok=True)
    used: list[str] = []

    def local(match: re.Match[str]) -> str:
        name = match.group(2).rsplit("/", 1)[1]
        if name not in files:
            raise BrokenError(f"asv's page asks for {name}, which asv_bench/tools/vendor.py does not know.")
        shutil.copyfile(files[name], folder / name)
        used.append(name)
        return f'{match.group(1)}="vendor/{name}"'

    text = _CHECKS.sub("", _ELSEWHERE.sub(local, text))
    page.write_text(text, encoding="utf-8")
    fonts = next((path.parents[1] / "fonts" for name, path in files.items() if name == "bootstrap.min.css"), None)
    if fonts is not None and fonts.is_dir():
        shutil.copytree(fonts, page.parent / "fonts", dirs_exist_ok=True)
    return used


def _archive(package: Package, cache: Path) -> Path:
    """Return a package's archive as npm fetches it."""
    cache.mkdir(parents=True, exist_ok=True)
    wanted = f"{package.name}@{package.version}"
    try:
        done = subprocess.run(
            ["npm", "pack", "--silent", wanted], cwd=cache, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise BrokenError("npm was not found; it fetches the scripts that make the pages work offline.") from None
    path = cache / f"{package.name}-{package.version}.tgz"
    if done.returncode or not path.is_file():
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BrokenError(f"npm could not fetch {wanted}: {reason}")
    if digest(path) != package.digest:
        path.unlink()
        raise BrokenError(f"The package {wanted} is not the one that is known: its digest differs.")
    return path


def digest(path: Path) -> str:
    """Return the sha512 of a file in base64, as npm writes it."""
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def _unpack(archive: Path, package: Package, folder: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    # The one folder inside is mostly called "package", but not always.
    inner = next(path for path in folder.iterdir() if path.is_dir())
    for path in inner.iterdir():
        shutil.move(path, folder / path.name)
    archive.unlink()
