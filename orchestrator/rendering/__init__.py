"""Values in, text out: terminal, JSON, JUnit, Mermaid, SVG, HTML. Pure."""
