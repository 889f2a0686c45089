"""Where a decision was computed: installed releases, our own code, the class of machine; and what differs from here.

Bits follow from all three: another release may sum in another order, another processor may have other vector
instructions. What is the same in each gives the same bits again.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

import numpy as np

from ..batches.seals import code, versions


def lock() -> bytes:
    """Return every installed distribution as ``name==version``, a line each, sorted: the lock file of what is here."""
    found = {
        f"{each.metadata['Name'].lower().replace('_', '-')}=={each.version}"
        for each in metadata.distributions()
        if each.metadata["Name"]
    }
    return "\n".join([f"python=={platform.python_version()}", *sorted(found)]).encode() + b"\n"


def machine() -> dict[str, object]:
    """Return the class of this machine: system, processor, its vector instructions, the library that multiplies."""
    told = np.show_config(mode="dicts") or {}
    blas = told.get("Build Dependencies", {}).get("blas", {})
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "vectors": [str(name) for name in told.get("SIMD Extensions", {}).get("found", [])],
        "blas": f"{blas.get('name', '')} {blas.get('version', '')}".strip(),
    }


def surroundings() -> dict[str, object]:
    """Return what a snapshot says of here, but for the lock, which is an object of its own."""
    return {"versions": versions(), "code": code(), "machine": machine()}


def differences(then: Mapping[str, object], there: bytes) -> list[str]:
    """Say what differs here from where something was decided.

    Parameters
    ----------
    then
        What `surroundings` said there.
    there
        What `lock` said there.

    Returns
    -------
    list of str
        A sentence each, none on the same lock, code and class of machine.

    Examples
    --------
    >>> differences(surroundings(), lock())
    []
    >>> differences(surroundings() | {"code": "0" * 64}, lock())
    ['the code of trimtab is another']
    """
    before, now = _packages(there), _packages(lock())
    said = [
        f"{name} was {before.get(name, 'not there')} and is {now.get(name, 'not there')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    here = surroundings()
    if then.get("code") != here["code"]:
        said.append("the code of trimtab is another")
    was, is_now = then.get("machine"), here["machine"]
    if isinstance(was, Mapping) and isinstance(is_now, Mapping):
        said += [f"the {part} of the machine is another" for part in is_now if was.get(part) != is_now[part]]
    else:
        said.append("the machine is not told")
    return said


def _packages(text: bytes) -> dict[str, str]:
    pairs = (line.partition("==") for line in text.decode(errors="replace").splitlines())
    return {name: version for name, _, version in pairs}
