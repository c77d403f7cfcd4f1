"""The pages of the service: what a model does, live, and the reference of the routes.

They hold no data and nothing of others: each is one HTML file, one style and a few ES modules of this package, and a
policy that lets a browser load nothing else. What they show they ask the service for, as any client does, with the key
where there is one; so the pages themselves are free.
"""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from snnlab.viz.raster import MODULE

__all__ = ["PATHS", "router"]

_FOLDER = Path(__file__).parent
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Cache-Control": "no-cache",  # ask whether it has changed
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _File(NamedTuple):
    content: bytes
    kind: str
    tag: str


def _read(path: Path) -> _File:
    content = path.read_bytes()
    return _File(content, f"{_TYPES[path.suffix]}; charset=utf-8", f'"{sha256(content).hexdigest()[:16]}"')


_FILES = {
    "/live": _FOLDER / "live.html",
    "/docs": _FOLDER / "docs.html",
    "/live/raster.js": MODULE,
    **{f"/live/{name}": _FOLDER / name for name in ("page.css", "live.js", "service.js", "docs.js")},
}

PATHS = frozenset({"/", *_FILES})
"""What anyone may look at where the service asks for a key."""

router = APIRouter(include_in_schema=False)


@router.get("/")
def begin() -> RedirectResponse:
    """The live page is what a browser sees first."""
    return RedirectResponse("/live")


def _serve(path: str, place: Path) -> None:
    file = _read(place)

    async def page(request: Request) -> Response:
        headers = {**_HEADERS, "ETag": file.tag}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers=headers, media_type=file.kind)

    router.add_api_route(path, page, methods=["GET", "HEAD"])


for _path, _place in _FILES.items():
    _serve(_path, _place)
