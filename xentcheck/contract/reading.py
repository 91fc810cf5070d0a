"""Contracts that strangers wrote: from a file or a target; each mistake is one sentence, at once."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from typing import Any

from xentcheck.contract.declaration import Contract, parse_assignment, without_duplicates
from xentcheck.contract.values import ContractError

_LONGEST_FILE = 2**22  # bytes
_LARGEST_LEAST = 2**22  # scores of the smallest batch of a domain


def contract_of(given: Mapping[str, Any]) -> Contract:
    """Return the contract that a mapping declares, if batches can be made for it; raises ContractError."""
    try:
        contract = Contract.from_mapping(given)
    except ContractError:
        raise
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        raise ContractError(f"The contract cannot be read: {error}.") from None
    limits = contract.domain or {}
    if max(1, limits.get("rows", (1,))[0]) * max(1, limits.get("classes", (1,))[0]) > _LARGEST_LEAST:
        raise ContractError(
            f"domain allows no batch of up to {_LARGEST_LEAST:,} scores, and larger ones are more than can be judged."
        )
    if isinstance(contract.ignore_index, int) and not -(2**63) <= contract.ignore_index < 2**64:
        raise ContractError("ignore_index is an integer of more than 64 bits, which no label can be.")
    return contract


def assigned(text: str) -> tuple[str, Any]:
    """Return key and value of "KEY=VALUE"; see `parse_assignment`; raises ContractError."""
    try:
        return parse_assignment(text)
    except ContractError:
        raise
    except (ValueError, RecursionError) as error:
        raise ContractError(f"The contract {text[:80]!r} cannot be read: {_why(error)}.") from None


def contract_file(path: str) -> dict[str, Any]:
    """Return the keys and values of a JSON or TOML file, not checked yet; raises ContractError."""
    toml = path.endswith(".toml")
    text = _text_of(path)
    try:
        if toml:
            import tomllib  # not in the Python 3.9 that a worker may have

            stated = tomllib.loads(text)
        else:
            stated = json.loads(text, object_pairs_hook=without_duplicates)
    except (ValueError, RecursionError) as error:
        raise ContractError(f"The contract file {path} is not {'TOML' if toml else 'JSON'}: {_why(error)}.") from None
    if not isinstance(stated, dict):
        raise ContractError(f"The contract file {path} must hold an object of contract keys.")
    return stated


def _text_of(path: str) -> str:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise ContractError(f"The contract file {path} cannot be read: it is no regular file.")
        if status.st_size > _LONGEST_FILE:
            raise ContractError(f"The contract file {path} cannot be read: it is longer than {_LONGEST_FILE:,} bytes.")
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise ContractError(f"The contract file {path} cannot be read: it is not UTF-8 text.") from None
    except OSError as error:
        raise ContractError(f"The contract file {path} cannot be read: {error.strerror}.") from None


def _why(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
