"""Signing in by an organisation's own provider (OpenID Connect), with the commissions that HSA gives its people."""
