"""A journal: records that outlive the process that wrote them, whatever ended it.

A file of lines, to which lines are only added. Each is the length and the checksum of its JSON text, then the text; the
run goes on when it is on the disk. What was not written whole is told by its checksum and left out: a torn last line
after a kill or a full disk, a damaged one anywhere. Every process writes a file of its own, so that two runs on one
directory do not harm each other; records of the same name say the same.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from xentcheck.engine.cell_result import CellResult
from xentcheck.engine.inputs import said_of
from xentcheck.engine.memory import Memory
from xentcheck.engine.shard_record import Record, to_record

SUFFIX = ".journal"


def encoded(record: Mapping[str, Any]) -> bytes:
    """Return the line of a record."""
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %08x %s\n" % (len(text), zlib.crc32(text), text)


def decoded(line: bytes) -> Record | None:
    """Return the record of a line without its end, None where it is not whole."""
    text = line[18:]
    if line[:18] != b"%08x %08x " % (len(text), zlib.crc32(text)):
        return None
    record: Record = json.loads(text)
    return record


def records_in(file: Path) -> Iterator[Record | None]:
    """Yield the records of a file, None for each that is not whole."""
    *lines, last = file.read_bytes().split(b"\n")
    for line in filter(None, lines):
        yield decoded(line)
    if last:
        yield None  # whatever it says, its end was not written


class Journal(Memory):
    """The journal of a run in a directory: what all processes have written there, and a file to add to.

    Parameters
    ----------
    folder : Path
    run : str
        What marks the run; files of another one are left out.

    Attributes
    ----------
    remarks : list of str
        What is to be said of it: records that were dropped, calls in which it was ended, what could not be written.
    """

    def __init__(self, folder: Path, run: str) -> None:
        super().__init__()
        self.folder = str(folder)
        self._folder, self._run = folder, run
        self._file: int | None = None
        self._torn = False
        for file in sorted(folder.glob(f"*{SUFFIX}")):
            self._read(file)
        self.remarks += said_of(folder)

    def _read(self, file: Path) -> None:
        own, torn = False, 0
        for record in records_in(file):
            if record is None:
                torn += 1
            elif "run" in record:
                own = record["run"] == self._run
            elif own and "noted" in record:
                self.noted.setdefault(record["unit"], record["noted"])
            elif own:
                self.records.setdefault(record["unit"], record["record"])
        if torn:
            told = "a record was" if torn == 1 else f"{torn} records were"
            self.remarks.append(f"{told} not whole in {file.name}, and dropped: what it told of is judged again")

    def write(self, unit: str, record: Record) -> None:
        """Add what came of a unit."""
        self._append({"unit": unit, "record": record})

    def write_note(self, unit: str, result: CellResult) -> None:
        """Add what has been found by a unit that is not done."""
        self._append({"unit": unit, "noted": to_record(result)})

    def _append(self, record: Record) -> None:
        """Add a record; where it cannot be written the run goes on, and the next one is tried again."""
        try:
            if self._file is None:
                name = f"{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
                self._file = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
                self._add({"run": self._run})
            self._add(record)
        except OSError as error:
            self._torn = True
            said = (
                f"the journal in {self._folder} is not whole ({error.strerror}): a resumed run has to judge more again"
            )
            if said not in self.remarks:
                self.remarks.append(said)

    def _add(self, record: Record) -> None:
        assert self._file is not None
        left = memoryview((b"\n" if self._torn else b"") + encoded(record))
        while left:
            self._torn = True
            left = left[os.write(self._file, left) :]
        self._torn = False
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
