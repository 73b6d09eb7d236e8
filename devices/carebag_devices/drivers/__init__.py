"""One driver per kind of instrument: from its bytes to events, over a `link.Link`, without knowing any radio."""
