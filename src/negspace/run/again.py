"""What a receipt says of how one of its pictures was carried out, as a request."""

from typing import Any

from negspace.errors import RequestError
from negspace.receipt import Receipt
from negspace.request import Request, Start


def carried_out(receipt: Receipt, index: int, start: Start | None) -> Request:
    """The request by which a picture of a receipt was made: its attempt that was delivered, alone.

    Args:
        receipt: of the pictures.
        index: of the picture.
        start: the picture and the mask that it was started from, which a receipt does not carry.

    Raises:
        RequestError: there is no such picture, the receipt does not say how it was carried out, or the start
            is missing or another one.
    """
    image, carried = receipt.delivered(index), receipt.carried
    if carried is None:
        raise RequestError(
            "this receipt does not say how its request was carried out; run the request instead"
        )
    update: dict[str, Any] = {"seed": image.seed, "n": 1, "start": _same_start(carried.start, start)}
    if image.attempts and image.delivered is not None:
        attempt = image.attempts[image.delivered]
        update |= {"seed": attempt.seed, "scale": attempt.scale, "avoid": attempt.avoid}
        update |= {} if attempt.rule is None else {"rule": attempt.rule}
    return carried.model_copy(update=update)


def _same_start(carried: Start | None, given: Start | None) -> Start | None:
    """The start of a picture that is made again, with its pixels.

    Args:
        carried: as in a receipt, without pixels.
        given: the picture and the mask.

    Raises:
        RequestError: they are missing, or others.
    """
    if carried is None:
        return None
    if given is None:
        raise RequestError(
            f"this picture was started from another one (sha256 {carried.picture.sha256[:12]}), which its "
            "receipt does not carry; give it as `start`"
        )
    start = given.model_copy(update={"strength": carried.strength})
    if start.without_data() != carried.without_data():
        raise RequestError("the start is not the picture, or not the mask, that the receipt names")
    return start
