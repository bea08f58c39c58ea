"""φ: what a picture is described by when distributions are matched."""
