"""The command `carebag`: starts the parts, shows them together, measures them. Imports everything, imported by nothing."""
