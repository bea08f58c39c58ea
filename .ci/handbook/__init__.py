"""The documentation site: pages of ``docs/`` beside those that are made from the code."""
