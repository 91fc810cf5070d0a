"""The conventions that a target promises: what is policy is declared here, and what is left is law.

This package imports nothing but the standard library, since the worker beside a target needs it too.
"""

from __future__ import annotations

from xentcheck.contract.declaration import Contract, parse_assignment
from xentcheck.contract.values import Argument, Boundary, ContractError

__all__ = ["Argument", "Boundary", "Contract", "ContractError", "parse_assignment"]
