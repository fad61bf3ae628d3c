"""What an author declares: frozen values, no behaviour that touches the world."""
