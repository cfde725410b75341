"""Which headers of a request expressions see: none by which somebody proves who he is."""

from ..redact import is_secret_name
from .signature import Signature

_PROOFS = frozenset({"authorization", "proxy-authorization", "cookie"})


def is_kept(name: str, signature: Signature | None) -> bool:
    """Return whether a header, its name in lower case, is in ``$.headers``."""
    if name in _PROOFS or (signature is not None and name == signature.header.lower()):
        return False
    # A key by which a request is told from another is no secret.
    return name.endswith("idempotency-key") or not is_secret_name(name)
