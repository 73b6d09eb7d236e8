"""Identities of persons: which numbers there are, what makes one well formed, what it says, and how it is written.

A pair of system and value, never repaired: docs/decisions/0031. Pure; the caller brings the date of today.
"""
