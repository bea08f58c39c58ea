"""Networks that change scene graphs."""
