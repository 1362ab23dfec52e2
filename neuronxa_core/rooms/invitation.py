"""What brings phones into a room: a link, and the same as a QR code."""

import io
from urllib.parse import urlencode

PAGE = "class"


def link_to(address: str, code: str, **more: str) -> str:
    """The link that joins a room. address: under which phones open the dashboard."""
    return f"{address.rstrip('/')}/{PAGE}?{urlencode({'room': code, **more})}"


def qr_code(link: str) -> str:
    """The link as a QR code in SVG, black on white with its quiet margin, which phones read in any light.

    It grows with its frame: the picture has a viewBox and no size.
    """
    import segno

    file = io.BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(file, kind="svg", xmldecl=False, border=4, dark="#000", light="#fff", omitsize=True)
    return file.getvalue().decode("utf-8")
