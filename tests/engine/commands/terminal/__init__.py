"""Commands at terminals of any encoding and width, and what they ask there."""
