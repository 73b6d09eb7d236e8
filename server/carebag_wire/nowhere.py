"""What a person sees who opens an address that is no page, at hub and kit: plain words, and the way to the front page.

No word of the address comes back, and nothing in it needs more than the pages' content security policy gives.
"""

NOWHERE = """<!doctype html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Carebag</title>
</head>
<body>
<h1>Sidan finns inte</h1>
<p><a href="/">Till startsidan</a></p>
<h2 lang="fi">Sivua ei ole</h2>
<p lang="fi"><a href="/">Aloitussivulle</a></p>
<h2 lang="en">There is no such page</h2>
<p lang="en"><a href="/">To the start page</a></p>
<h2 lang="es">Esa página no existe</h2>
<p lang="es"><a href="/">A la página de inicio</a></p>
</body>
</html>
"""


def is_for_a_person(method: str, path: str, accept: str) -> bool:
    """Whether a refused request is a browser's that opens a page; all else is answered by a code."""
    return method in {"GET", "HEAD"} and not path.startswith("/api/") and "text/html" in accept
