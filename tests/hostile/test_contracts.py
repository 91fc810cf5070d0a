"""Contract files that are too deep, too long, doubled, absurd or no files: one sentence with exit status 2, at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xentcheck.cli import main

DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.json", '{"labels": ' + "[" * 10_000 + "]" * 10_000 + "}", "is not JSON: it is nested too deeply."),
        ("c.toml", "labels = " + "[" * 10_000 + "]" * 10_000, "is not TOML: it is nested too deeply."),
        ("c.json", f'{{"ignore_index": {DIGITS}}}', "is not JSON: Exceeds the limit (4300 digits)"),
        ("c.toml", f"ignore_index = {DIGITS}", "is not TOML: Exceeds the limit (4300 digits)"),
        ("c.json", f'{{"ignore_index": {DIGITS[:4000]}}}', "ignore_index is an integer of more than 64 bits"),
        ("c.json", f'{{"z_loss": {DIGITS[:4000]}}}', "The contract cannot be read: int too large"),
        ("c.json", f'{{"domain": {{"rows": [{DIGITS[:4000]}, {DIGITS[:4000]}]}}}}', "domain allows no batch"),
        ("c.json", '{"domain": {"classes": [1000000000, 1000000000]}}', "domain allows no batch"),
        ("c.json", '{"domain": 7}', "The contract cannot be read"),
        ("c.json", '{"invalid": {"returns": []}}', "The contract cannot be read"),
        ("c.json", '{"axis": 1, "axis": 0}', "is not JSON: the key 'axis' occurs twice."),
        ("c.toml", "axis = 1\naxis = 0", "is not TOML: Cannot overwrite a value"),
        ("c.json", '{"z_loss": {"argument": "x\\nCONFORMS"}}', r"the name 'x\nCONFORMS', which no argument"),
        ("c.json", '{"reduction": "\\u001b[31m\\ud800"}', r"reduction is '\x1b[31m\ud800', but must be"),
        ("c.json", '{"reduction": "' + "x" * 100_000 + '"}', "reduction is 'xxx"),
        ("c.json", " " * 5_000_000, "it is longer than 4,194,304 bytes."),
        ("c.json", None, "cannot be read: it is no regular file."),
    ],
)
def test_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str | None, words: str
) -> None:
    path = tmp_path / name
    if text is None:
        os.mkfifo(path)
    else:
        path.write_text(text, encoding="utf-8")
    assert main(["check", "reference", "--contract-file", str(path)]) == 2
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert out == ""
    assert words in line
    assert line.isprintable()
    assert len(line) < 2100


@pytest.mark.parametrize("value", [DIGITS, "[" * 10_000])
def test_an_assignment_is_one_sentence(capsys: pytest.CaptureFixture[str], value: str) -> None:
    assert main(["check", "reference", "--contract", f"labels={value}"]) == 2
    assert len(capsys.readouterr().err) < 400


def test_an_assignment_with_a_key_twice_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "reference", "--contract", 'boundary={"add": 1e-7, "add": 1e-9}']) == 2
    assert "the key 'add' occurs twice" in capsys.readouterr().err
