"""How long the access log and records are kept, by country; what is past its time; and its removal, by an operator's
command alone (docs/decisions/0039). Nothing here is called by a hub that runs, but for `short_lived`.
"""
