"""Webhooks: what the sender of a request has signed, and how it is checked."""

from .kept import is_kept
from .presets import PRESETS, Preset
from .signature import HEADER, Signature, SignatureError, Signed, sign, verify

__all__ = [
    "HEADER",
    "PRESETS",
    "Preset",
    "Signature",
    "SignatureError",
    "Signed",
    "is_kept",
    "sign",
    "verify",
]
