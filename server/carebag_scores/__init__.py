"""Published scores of a visit: the vocabulary's readings into the pure tables of `carebag_signal.vitals`, and back.

Hub and kit count with the same functions, so that a page shows the same number with a network and without one.
"""
