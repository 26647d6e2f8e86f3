"""Links: addresses of pictures that need no key for an hour, for clients that fetch what they are shown."""

import hashlib
import hmac
import secrets
import time
from typing import final

_LASTING = 3600


@final
class Links:
    """Signs addresses with a secret that lives as long as the server."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def query(self, picture: str) -> str:
        """What has to stand behind the address of a picture."""
        until = int(time.time()) + _LASTING
        return f"until={until}&signature={self._sign(picture, until)}"

    def opens(self, picture: str, until: int | None, signature: str | None) -> bool:
        """Whether what stands behind an address opens the picture now."""
        if until is None or signature is None or until < time.time():
            return False
        return hmac.compare_digest(self._sign(picture, until).encode(), signature.encode())

    def _sign(self, picture: str, until: int) -> str:
        return hmac.new(self._secret, f"{picture} {until}".encode(), hashlib.sha256).hexdigest()
