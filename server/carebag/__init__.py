"""The command `carebag`: starts the parts, shows them together, measures them. On top: imported by nothing."""
