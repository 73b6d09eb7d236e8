# ruff: noqa: A005 - nobody imports the standard library's codecs from in here
"""Device bytes to values and back. Pure: no input or output, no clock; malformed bytes raise `errors.Malformed`."""
