"""`carebag bench live`: a visit over a bad link, measured at both ends of one machine (docs/how-to/measure-a-link)."""
