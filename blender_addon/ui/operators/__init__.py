"""What the panels' buttons do; each works from Python with arguments too."""
