"""How far rendered pictures are from real ones: features φ and distances between their sets."""
