"""One account's record, and the proof that it is what the run said, without a word about any other account.

A proof is a file of JSON. Whoever holds the root, which stands in the ledger under a signed head, checks it without the
store and without the run.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import EntryRefused, LedgerBroken
from .account_records import leaves
from .canonical import sha256
from .keyrings import counted
from .ledgers import Ledger, read
from .merkle import is_proved, prove, read_proof
from .sealings import KIND, find_sealed
from .snapshots import Store

FORMAT = "trimtab proof 1"


def prove_account(ledger: Ledger, store: Store, run: str, account: str) -> dict[str, object]:
    """Return the record of one account of a sealed run with its proof.

    Parameters
    ----------
    run, account
        The run's id, or a beginning that no other has; the account's id.

    Raises
    ------
    EntryRefused
        No such run, or no such account in it.
    """
    sealed = find_sealed(ledger, store, run)
    place, mine, digests = -1, b"", []
    for name, leaf in leaves(store, sealed.tables):
        if name == account:
            place, mine = len(digests), leaf
        digests.append(bytes.fromhex(sha256(leaf)))  # 32 bytes an account, however much is said of it
    if place < 0:
        raise EntryRefused(f"the run has no account {account!r}", code="NO_ACCOUNT", mend="ids are text: 007 is not 7")
    return {
        "format": FORMAT,
        "run": sealed.run_id,
        "version": sealed.version,
        "on": sealed.on.isoformat(),
        "root": sealed.root,
        "record": mine.decode(),
        "proof": prove(digests, str(sealed.said["secret"]), place).plain(),
    }


def check_proof(ledger: Ledger, told: Mapping[str, object]) -> str:
    """Return the record that a proof proves, by the root that the ledger holds.

    Raises
    ------
    LedgerBroken
        The ledger has no such run, or the proof does not lead to its root.
    """
    proof = told.get("proof")
    record = told.get("record")
    if told.get("format") != FORMAT or not isinstance(proof, Mapping) or not isinstance(record, str):
        raise LedgerBroken("this is no proof", code="PROOF", mend="ask for it again")
    seals = read(ledger, kind=KIND, subject=f"run/{told.get('run')}")
    found = counted(ledger, (entry for entry in seals if entry.version == told.get("version")))
    if not found:
        raise LedgerBroken("the ledger has no such run", code="PROOF", mend="name the ledger it was sealed in")
    if not is_proved(bytes.fromhex(sha256(record.encode())), read_proof(proof), str(found[-1].body["root"])):
        raise LedgerBroken("the record is not what the run said", code="PROOF", mend="ask for it again, and why")
    return record
