"""What a person sees who opens an address that is no page, at hub and kit, or a paper that is not given: plain words,
and the way to the front page.

No word of the address comes back, and nothing in it needs more than the pages' content security policy gives.
"""


def _page(body: str) -> str:
    return f"""<!doctype html>
<html lang="sv">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Carebag</title>
</head>
<body>
{body}</body>
</html>
"""


NOWHERE = _page("""<h1>Sidan finns inte</h1>
<p><a href="/">Till startsidan</a></p>
<h2 lang="fi">Sivua ei ole</h2>
<p lang="fi"><a href="/">Aloitussivulle</a></p>
<h2 lang="en">There is no such page</h2>
<p lang="en"><a href="/">To the start page</a></p>
<h2 lang="es">Esa página no existe</h2>
<p lang="es"><a href="/">A la página de inicio</a></p>
""")
NOT_GIVEN = _page("""<h1>Kan inte öppnas nu</h1>
<p>Gå tillbaka till fliken där du arbetar. Är skärmen låst eller är du utloggad: bekräfta att det är du, och
försök igen.</p>
<p><a href="/">Till startsidan</a></p>
<h2 lang="fi">Ei voi avata nyt</h2>
<p lang="fi">Palaa välilehteen, jossa työskentelet. Jos näyttö on lukittu tai olet kirjautunut ulos, vahvista
henkilöllisyytesi ja yritä uudelleen.</p>
<p lang="fi"><a href="/">Aloitussivulle</a></p>
<h2 lang="en">Cannot be opened now</h2>
<p lang="en">Go back to the tab where you work. If the screen is locked or you are signed out, confirm that it is you,
and try again.</p>
<p lang="en"><a href="/">To the start page</a></p>
<h2 lang="es">No se puede abrir ahora</h2>
<p lang="es">Vuelva a la pestaña donde trabaja. Si la pantalla está bloqueada o ha cerrado la sesión, confirme que es
usted e inténtelo de nuevo.</p>
<p lang="es"><a href="/">A la página de inicio</a></p>
""")


def is_a_tab(method: str, destination: str) -> bool:
    """Whether what is refused would have filled a tab of a browser: a code there tells nobody anything.

    Args:
        destination: the header Sec-Fetch-Dest (W3C Fetch Metadata Request Headers), which no script can set.
    """
    return method == "GET" and destination == "document"


def is_for_a_person(method: str, path: str, accept: str) -> bool:
    """Whether a refused request is a browser's that opens a page; all else is answered by a code."""
    return method in {"GET", "HEAD"} and not path.startswith("/api/") and "text/html" in accept
