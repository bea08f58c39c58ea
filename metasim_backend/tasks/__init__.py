"""Task networks: trained on rendered frames, scored on labelled real images."""
