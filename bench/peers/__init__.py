"""Other engines under the same load: installed into an environment of their own, run as programs.

Each peer is one file here, a program that takes what it is to do as one JSON object in its argument
and writes one JSON object a line to stdout: what it found. Nothing of ours imports it.
"""

from .runner import run_fans, run_peers

__all__ = ["run_fans", "run_peers"]
