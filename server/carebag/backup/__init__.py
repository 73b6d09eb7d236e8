"""A hub's data in a folder and back: see docs/decisions/0026. `manifest.py` is pure; the rest reads and writes."""
