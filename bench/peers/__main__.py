"""``python -m bench.peers``: install the peers, or find them installed."""

from .runner import install_peers

print(f"the peers run on {install_peers()}")
