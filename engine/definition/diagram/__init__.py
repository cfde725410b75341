"""Diagrams of definitions: what is drawn, as Mermaid or as SVG of our own layout."""
