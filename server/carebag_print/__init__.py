"""A visit on paper: pure functions from the wire's objects to the bytes of a PDF. No clock, no network, no store."""
