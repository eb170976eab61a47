"""Pictures of goods that came back. What is kept was decoded and written anew, so it is nothing but a picture."""

from __future__ import annotations

import hashlib
import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from core.actors import Actor
from core.errors import Refusal
from core.models import User
from inventory.services.locking import retrying
from returns.models import InspectionPhoto
from returns.services import lifecycle

LARGEST = 8 * 1024 * 1024
MOST = 12  # of one line
MOST_PIXELS = 50_000_000
SIDE, SMALLEST = 1600, 16
FORMATS = ("JPEG", "PNG", "WEBP")
ACCEPTED = "A photo is a JPEG, PNG or WebP of up to 8 MB."


def keep(return_id: int, line_id: int, content: bytes, *, person: User | None, actor: Actor) -> InspectionPhoto:
    """Keep a picture of a line's units. The same picture again is the same row.

    Refusal("too_large") 413, ("not_a_picture") 422, ("too_many") 409. What is stored is a JPEG of at most 1600 pixels
    a side without any of the data around it: no place where it was taken, no name, nothing a browser could run.
    """
    digest = hashlib.sha256(content).hexdigest()
    if len(content) > LARGEST:
        raise Refusal("too_large", ACCEPTED, status=413)
    drawn, width, height = redraw(content)

    def work() -> InspectionPhoto:
        line = lifecycle.open_return(return_id, actor=actor).line(line_id)
        known = InspectionPhoto.objects.filter(line=line, sha256=digest).first()
        if known is not None:
            return known
        if InspectionPhoto.objects.filter(line=line).count() >= MOST:
            raise Refusal("too_many", f"A line holds up to {MOST} photos.")
        return InspectionPhoto.objects.create(
            line=line, sha256=digest, width=width, height=height, size=len(drawn), content=drawn, taken_by=person
        )

    return retrying(work)


def redraw(content: bytes) -> tuple[bytes, int, int]:
    """A picture decoded and encoded anew, with its width and height; Refusal("not_a_picture") for anything else.

    Its size is read from the header before a single pixel is decoded, so a bomb costs nothing.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS or min(picture.size) < SMALLEST:
                    raise Refusal("not_a_picture", "That picture is too large or too small to be of use.", status=422)
                picture.draft("RGB", (SIDE, SIDE))
                upright = ImageOps.exif_transpose(picture).convert("RGB")
                upright.thumbnail((SIDE, SIDE))
    except (UnidentifiedImageError, Image.DecompressionBombWarning, Image.DecompressionBombError, OSError, ValueError,
            SyntaxError) as error:  # fmt: skip
        raise Refusal("not_a_picture", ACCEPTED, status=422) from error
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue(), upright.width, upright.height
