"""A visit as FHIR R4 (4.0.1), and back: pure functions from the wire's objects to plain dicts. No I/O, no clock."""
