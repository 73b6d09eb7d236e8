"""Verifies the access log, its checkpoints and proofs; imports nothing else of ours, so that no fault is shared.

`tree` checks proofs (RFC 9162 section 2.1), `note` signed checkpoints, `proofs` their files, `log` a whole database.
What a row looks like, what its hash and its leaf are, is written here a second time, from
docs/decisions/0032-the-access-log-is-a-merkle-tree.md.
"""
